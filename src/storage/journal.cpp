#include "storage/journal.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

#include "base/random.hpp"
#include "storage/file.hpp"
#include "storage/journal_format.hpp"

namespace bellhop::storage {

namespace {

using observe::Level;
using observe::Tag;

constexpr std::size_t smallest_compaction = 4 * 1024 * 1024;
constexpr std::size_t write_chunk = 1024 * 1024;
constexpr std::size_t usual_buffer = 64 * 1024;  ///< what lanes have from the beginning: appending seldom allocates
constexpr unsigned turns_until_retry = 25;       // five seconds at the default interval

class FileJournal final : public Journal {
 public:
  FileJournal(const Settings& settings, unsigned lanes, observe::Log& log, observe::Metrics& metrics);
  ~FileJournal() override;

  /// Reads the file or makes a new one. Before start().
  void open(const std::function<void(std::string_view)>& replay, const std::function<void()>& replayed);
  void start() {
    thread_ = std::thread([this] { run(); });
  }

  void append(unsigned lane, std::string_view payload) override;
  void flush() override;
  void set_dump(std::function<void(Writer&)> dump) override;
  void compact() override;
  [[nodiscard]] std::uint64_t octets() const override { return counts_->octets; }

 private:
  struct alignas(64) Lane {
    std::mutex mutex;
    std::string buffer;
    bool asked = false;  ///< the side thread was told to come early
  };
  /// Shared with the computed metrics, which may be asked after the journal has gone.
  struct Counts {
    std::atomic<std::uint64_t> octets{0}, dropped{0}, errors{0}, compactions{0};
  };
  class NewFile;

  void create();
  void replay_file(const std::function<void(std::string_view)>& replay, const std::function<void()>& replayed);
  void run();
  void drain();
  void write_behind(std::string_view octets);
  void sync_file();
  bool compaction_due(bool asked, bool stopping);
  bool compact_now(const std::function<void(Writer&)>& dump);
  bool finish_compaction(NewFile& file, std::uint64_t tail_from);
  void failed(const char* what, int error);

  const Settings settings_;
  observe::Log& log_;
  const std::shared_ptr<Counts> counts_ = std::make_shared<Counts>();
  std::vector<Lane> lanes_;
  const std::size_t lane_limit_;

  // The side thread's own.
  FileDescriptor file_;
  std::uint64_t salt_ = 0;
  std::uint64_t size_ = 0;
  std::uint64_t compacted_size_ = 0;
  bool unsynced_ = false;
  unsigned retry_in_ = 0;
  bool failing_ = false;  ///< said so in the log already
  std::string spare_;

  std::atomic<bool> lost_{false};  ///< the file lacks records: only a compaction makes it whole

  std::mutex mutex_;  ///< guards what follows; never taken together with a lane's
  std::condition_variable wake_, done_;
  std::function<void(Writer&)> dump_;
  std::uint64_t flush_wanted_ = 0, flush_done_ = 0;
  bool compact_wanted_ = false, urgent_ = false, stop_ = false;
  std::thread thread_;
};

/// The file a compaction writes, before it takes the journal's name.
class FileJournal::NewFile final : public Journal::Writer {
 public:
  explicit NewFile(FileJournal& journal) : journal_(journal), path_(journal.settings_.path + ".new") {
    file_ = FileDescriptor(::open(path_.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!file_.valid() || ::flock(file_.get(), LOCK_EX | LOCK_NB) != 0) error_ = errno;
    buffer_ = encode(JournalHeader{.salt = journal.salt_});
  }
  ~NewFile() override {
    if (!kept_) ::unlink(path_.c_str());
  }

  void record(std::string_view payload) override {
    if (payload.empty() || payload.size() > Journal::max_payload) {
      journal_.counts_->dropped += 1;
      return;
    }
    append_frame(buffer_, payload, journal_.salt_);
    if (buffer_.size() < write_chunk) return;
    write_buffer();
    journal_.drain();  // a long dump must not hold up the traffic's records
  }
  void write_buffer() {
    if (error_ == 0 && !write_at(file_.get(), buffer_, size_)) error_ = errno;
    size_ += buffer_.size();
    buffer_.clear();
  }
  /// Puts what the journal received meanwhile behind the dump.
  void append_from(int fd, std::uint64_t at, std::uint64_t size) {
    if (error_ == 0 && !copy_range(fd, at, size, file_.get(), size_)) error_ = errno != 0 ? errno : EIO;
    size_ += size;
  }
  void finish(std::uint64_t compacted_size) {
    const std::string header = encode(JournalHeader{.salt = journal_.salt_, .compacted_size = compacted_size});
    if (error_ == 0 && !write_at(file_.get(), header, 0)) error_ = errno;
    if (error_ == 0 && journal_.settings_.sync && ::fsync(file_.get()) != 0) error_ = errno;
    if (error_ == 0 && ::rename(path_.c_str(), journal_.settings_.path.c_str()) != 0) error_ = errno;
    if (error_ != 0) return;
    kept_ = true;
    if (journal_.settings_.sync) sync_directory_of(path_);
  }

  [[nodiscard]] int error() const { return error_; }
  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] FileDescriptor take() { return std::move(file_); }

 private:
  FileJournal& journal_;
  const std::string path_;
  FileDescriptor file_;
  std::string buffer_;
  std::uint64_t size_ = 0;
  int error_ = 0;
  bool kept_ = false;
};

FileJournal::FileJournal(const Settings& settings, unsigned lanes, observe::Log& log, observe::Metrics& metrics)
    : settings_(settings), log_(log), lanes_(std::max(lanes, 1u)), lane_limit_(settings.buffer_limit / lanes_.size()) {
  for (Lane& lane : lanes_) lane.buffer.reserve(usual_buffer);
  spare_.reserve(usual_buffer);
  const auto publish = [&](const char* name, std::atomic<std::uint64_t> Counts::* member) {
    metrics.computed(name,
                     [counts = counts_, member] { return static_cast<std::int64_t>(((*counts).*member).load()); });
  };
  publish("journal.octets", &Counts::octets);
  publish("journal.dropped", &Counts::dropped);
  publish("journal.errors", &Counts::errors);
  publish("journal.compactions", &Counts::compactions);
}

FileJournal::~FileJournal() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void FileJournal::open(const std::function<void(std::string_view)>& replay, const std::function<void()>& replayed) {
  const auto directory = std::filesystem::path(settings_.path).parent_path();
  if (!directory.empty()) std::filesystem::create_directories(directory);
  ::unlink((settings_.path + ".new").c_str());
  file_ = FileDescriptor(::open(settings_.path.c_str(), O_RDWR | O_CLOEXEC));
  if (!file_.valid() && errno != ENOENT) throw std::runtime_error(settings_.path + ": " + error_text(errno));
  struct stat status{}, named{};
  if (file_.valid()) {
    if (::fstat(file_.get(), &status) == 0 && !S_ISREG(status.st_mode))
      throw std::runtime_error(settings_.path + ": not a regular file");
    // The name may have passed to a compacted file between open and lock.
    if (::flock(file_.get(), LOCK_EX | LOCK_NB) != 0 || ::stat(settings_.path.c_str(), &named) != 0 ||
        named.st_ino != status.st_ino)
      throw std::runtime_error(settings_.path + ": in use by another process");
  }
  if (status.st_size == 0) return create();
  size_ = static_cast<std::uint64_t>(status.st_size);
  replay_file(replay, replayed);
  counts_->octets = size_;
}

void FileJournal::create() {
  salt_ = Random::seed_from_system();
  NewFile file(*this);
  file.write_buffer();
  file.finish(0);
  if (file.error() != 0) throw std::runtime_error(settings_.path + ": " + error_text(file.error()));
  size_ = file.size();
  counts_->octets = size_;
  file_ = file.take();
}

void FileJournal::replay_file(const std::function<void(std::string_view)>& replay,
                              const std::function<void()>& replayed) {
  void* mapped = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file_.get(), 0);
  if (mapped == MAP_FAILED) throw std::runtime_error(settings_.path + ": " + error_text(errno));
  const std::unique_ptr<void, std::function<void(void*)>> unmap(mapped, [size = size_](void* p) { ::munmap(p, size); });
  const std::string_view octets(static_cast<const char*>(mapped), size_);

  const auto header = decode_journal_header(octets);
  if (!header) throw std::runtime_error(settings_.path + ": not a Bellhop journal");
  if (header->version != JournalHeader::current_version)
    throw std::runtime_error(fmt::format("{}: journal format {}, this program reads {}", settings_.path,
                                         header->version, JournalHeader::current_version));
  salt_ = header->salt;
  compacted_size_ = header->compacted_size;
  const JournalScan scan = scan_frames(octets.substr(JournalHeader::size), salt_, replay);
  if (replayed) replayed();
  const std::uint64_t whole = JournalHeader::size + scan.end;
  if (whole < size_) {
    log_(Tag::storage, Level::major, "{}: damaged end cut, {} octets after {} records", settings_.path, size_ - whole,
         scan.records);
    if (::ftruncate(file_.get(), static_cast<off_t>(whole)) != 0)
      throw std::runtime_error(settings_.path + ": " + error_text(errno));
    size_ = whole;
  }
  if (scan.skipped > 0) {
    log_(Tag::storage, Level::major, "{}: {} damaged octets skipped, {} records read", settings_.path, scan.skipped,
         scan.records);
    compact_wanted_ = true;
  }
}

void FileJournal::append(unsigned lane_number, std::string_view payload) {
  Lane& lane = lanes_[lane_number % lanes_.size()];
  bool ask = false;
  {
    const std::lock_guard lock(lane.mutex);
    if (payload.empty() || payload.size() > max_payload ||
        lane.buffer.size() + payload.size() + frame_overhead > lane_limit_) {
      counts_->dropped.fetch_add(1, std::memory_order_relaxed);
      lost_ = true;
    } else {
      append_frame(lane.buffer, payload, salt_);
    }
    if (lane.buffer.size() > lane_limit_ / 2 && !lane.asked) ask = lane.asked = true;
  }
  if (!ask) return;
  {
    const std::lock_guard lock(mutex_);
    urgent_ = true;
  }
  wake_.notify_one();
}

void FileJournal::flush() {
  std::unique_lock lock(mutex_);
  const std::uint64_t mine = ++flush_wanted_;
  wake_.notify_one();
  done_.wait(lock, [&] { return flush_done_ >= mine; });
}

void FileJournal::set_dump(std::function<void(Writer&)> dump) {
  {
    const std::lock_guard lock(mutex_);
    dump_ = std::move(dump);
  }
  wake_.notify_one();
}

void FileJournal::compact() {
  {
    const std::lock_guard lock(mutex_);
    compact_wanted_ = true;
  }
  wake_.notify_one();
}

void FileJournal::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait_for(lock, settings_.flush_interval,
                   [&] { return stop_ || urgent_ || (compact_wanted_ && dump_) || flush_wanted_ != flush_done_; });
    const std::uint64_t flushing = flush_wanted_;
    const bool asked = dump_ && std::exchange(compact_wanted_, false);
    const bool stopping = stop_;
    urgent_ = false;
    const auto dump = dump_;
    lock.unlock();

    drain();
    sync_file();
    if (dump && compaction_due(asked, stopping) && !compact_now(dump)) retry_in_ = turns_until_retry;

    lock.lock();
    flush_done_ = flushing;
    done_.notify_all();
    if (stopping) return;
  }
}

bool FileJournal::compaction_due(bool asked, bool stopping) {
  if (asked || (stopping && lost_)) return true;
  if (retry_in_ > 0 && --retry_in_ > 0) return false;
  return lost_ || (!stopping && size_ > 2 * std::max<std::uint64_t>(compacted_size_, smallest_compaction / 2));
}

void FileJournal::drain() {
  for (Lane& lane : lanes_) {
    {
      const std::lock_guard lock(lane.mutex);
      spare_.swap(lane.buffer);
      lane.asked = false;
    }
    if (!spare_.empty()) write_behind(spare_);
    spare_.clear();
    if (spare_.capacity() > 4 * write_chunk) spare_ = {};
    spare_.reserve(usual_buffer);
  }
}

void FileJournal::write_behind(std::string_view octets) {
  if (write_at(file_.get(), octets, size_)) {
    size_ += octets.size();
    unsynced_ = true;
    counts_->octets = size_;
    return;
  }
  const int error = errno;
  lost_ = true;
  counts_->dropped += scan_frames(octets, salt_, [](std::string_view) {}).records;
  // What was written of it must not hide the records that follow; should the cut fail too, the scan skips the rest.
  if (::ftruncate(file_.get(), static_cast<off_t>(size_)) != 0) counts_->errors += 1;
  failed("cannot be written", error);
}

void FileJournal::sync_file() {
  if (!unsynced_ || !settings_.sync) return;
  unsynced_ = false;
  if (::fdatasync(file_.get()) == 0) {
    failing_ = false;
    return;
  }
  lost_ = true;  // after a failed sync nobody knows what the disk holds
  failed("cannot be synced", errno);
}

void FileJournal::failed(const char* what, int error) {
  counts_->errors += 1;
  if (failing_) return;
  failing_ = true;
  log_(Tag::storage, Level::failure, "{} {}: {}; the newest state is written as soon as the disk works again",
       settings_.path, what, error_text(error));
}

bool FileJournal::compact_now(const std::function<void(Writer&)>& dump) {
  lost_ = false;
  const std::uint64_t tail_from = size_;
  NewFile file(*this);
  if (file.error() == 0) dump(file);
  file.write_buffer();
  return finish_compaction(file, tail_from);
}

bool FileJournal::finish_compaction(NewFile& file, std::uint64_t tail_from) {
  const std::uint64_t compacted_size = file.size();
  drain();
  file.append_from(file_.get(), tail_from, size_ - tail_from);
  file.finish(compacted_size);
  if (file.error() != 0) {
    lost_ = true;
    failed("cannot be compacted", file.error());
    return false;
  }
  log_(Tag::storage, Level::low_level, "{}: compacted from {} to {} octets", settings_.path, size_, file.size());
  size_ = file.size();
  compacted_size_ = compacted_size;
  file_ = file.take();
  unsynced_ = false;
  failing_ = false;
  counts_->octets = size_;
  counts_->compactions += 1;
  return true;
}

}  // namespace

std::unique_ptr<Journal> open_journal(const Journal::Settings& settings, unsigned lanes, observe::Log& log,
                                      observe::Metrics& metrics,
                                      const std::function<void(std::string_view payload)>& replay,
                                      const std::function<void()>& replayed) {
  auto journal = std::make_unique<FileJournal>(settings, lanes, log, metrics);
  journal->open(replay, replayed);
  journal->start();
  return journal;
}

}  // namespace bellhop::storage
