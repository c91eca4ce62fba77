#include "observe/log.hpp"

#include <poll.h>
#include <pthread.h>
#include <spdlog/details/log_msg.h>
#include <spdlog/pattern_formatter.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstring>
#include <iterator>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "base/sixteen.hpp"
#include "base/text.hpp"

namespace bellhop::observe {
namespace {

constexpr std::array<std::string_view, 5> level_names{"failure", "major", "problems", "low-level", "all-info"};
constexpr std::array<std::string_view, static_cast<std::size_t>(Tag::count_)> tag_names{
    "SIP",   "SIPDATA", "SIPS",    "SIPC",   "REGISTRAR", "AUTH",  "ROUTING",
    "GUARD", "NET",     "STORAGE", "CONFIG", "ADMIN",     "SERVER"};

constexpr std::size_t octets_per_line = 1024;  // what a queued line may take on average; packets are the long ones
constexpr std::size_t usual_lines = 1024;      // room made at once, so that no shard has to make it
constexpr auto patience_at_exit = 2s;
/// Lines that follow each other closely are written out together: waking the side thread for each of them costs the
/// shard that wrote it more than the line itself.
constexpr auto gathering = 10ms;

TimePoint system_clock_now() {
  return std::chrono::floor<microseconds>(std::chrono::system_clock::now());
}

/// Our levels on spdlog's scale, failure highest; LevelDigits turns them back.
spdlog::level::level_enum to_spdlog(Level level) {
  return static_cast<spdlog::level::level_enum>(spdlog::level::critical - static_cast<int>(level));
}

class LevelDigits : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&, spdlog::memory_buf_t& out) override {
    out.push_back('0');
    out.push_back(static_cast<char>('1' + (spdlog::level::critical - message.level)));
  }
  [[nodiscard]] std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<LevelDigits>();
  }
};

std::unique_ptr<spdlog::pattern_formatter> make_formatter() {
  auto formatter = std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::utc, "");
  formatter->add_flag<LevelDigits>('L').set_pattern("%Y-%m-%dT%H:%M:%S.%fZ %L %n %v");
  return formatter;
}

bool needs_escape(char c) {
  return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == '\x7f';
}

/// Where the first octet stands that needs_escape(), sixteen looked at together.
std::size_t find_escape(std::string_view text) {
  std::size_t at = 0;
  for (; at + sizeof(Sixteen) <= text.size(); at += sizeof(Sixteen)) {
    const Sixteen octets = load_sixteen(text.data() + at);
    const auto special = ((octets < 0x20) & (octets != '\t')) | (octets == 0x7f);
    std::uint64_t halves[2];
    std::memcpy(halves, &special, sizeof halves);
    if ((halves[0] | halves[1]) != 0) break;
  }
  while (at < text.size() && !needs_escape(text[at])) ++at;
  return at;
}

/// Line ends become an indented new line, other control characters are escaped; the end of the text is trimmed.
void append_indented(std::string& out, std::string_view text) {
  constexpr std::string_view indent = "\n    ";
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
  const std::size_t special = find_escape(text);
  out += text.substr(0, special);  // mostly all of it
  for (std::size_t i = special; i < text.size(); ++i) {
    const bool line_end = text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n';
    if (line_end) ++i;
    if (text[i] == '\n') {
      out += indent;
    } else if (needs_escape(text[i])) {
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned char>(text[i]));
    } else {
      out += text[i];
    }
  }
}

}  // namespace

std::optional<Level> level_from(std::string_view name) {
  const auto* const found = std::find_if(level_names.begin(), level_names.end(),
                                         [&](std::string_view known) { return equals_ignore_case(known, name); });
  if (found == level_names.end()) return std::nullopt;
  return static_cast<Level>(found - level_names.begin());
}

std::string_view name_of(Level level) {
  return level_names[static_cast<std::size_t>(level)];
}

std::string_view name_of(Tag tag) {
  return tag_names[static_cast<std::size_t>(tag)];
}

std::optional<Tag> tag_from(std::string_view name) {
  const auto* const found = std::find_if(tag_names.begin(), tag_names.end(),
                                         [&](std::string_view known) { return equals_ignore_case(known, name); });
  if (found == tag_names.end()) return std::nullopt;
  return static_cast<Tag>(found - tag_names.begin());
}

/// The queue and the side thread that empties it. Lines are swapped out as a whole, so the lock is held for a push or
/// a swap and never across formatting or output.
struct Log::Writer {
  struct Line {
    TimePoint time;
    Tag tag;
    Level level;
    std::string text;
  };

  Writer(std::unique_ptr<Sink> where, std::size_t most_lines, Clock stamp)
      : sink(std::move(where)),
        clock(stamp ? std::move(stamp) : Clock(system_clock_now)),
        line_limit(most_lines),
        octet_limit(most_lines * octets_per_line) {
    for (std::vector<Line>* lines : {&queue, &batch}) lines->reserve(std::min(most_lines, usual_lines));
    // Signals belong to the main thread, and a reader of standard error that goes away must not end the server.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    thread = std::thread([this] { run(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }

  void push(Line line) {
    const std::lock_guard lock(mutex);
    if (!queue.empty() && (queue.size() >= line_limit || queued_octets + line.text.size() > octet_limit)) {
      ++lost;
      dropped.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    queued_octets += line.text.size();
    queue.push_back(std::move(line));
    ++accepted;
    if (std::exchange(idle, false) || urgent()) work.notify_one();
  }
  /// Half the queue is full, or somebody waits: no more gathering.
  [[nodiscard]] bool urgent() const {
    return stopping || flushing != 0 || 2 * queue.size() >= line_limit || 2 * queued_octets >= octet_limit;
  }

  bool wait_until_written(Duration patience) {
    std::unique_lock lock(mutex);
    const std::uint64_t goal = accepted;
    ++flushing;
    work.notify_one();
    const bool done = progress.wait_for(lock, patience, [&] { return written >= goal; });
    --flushing;
    return done;
  }

  void run() {
    const auto formatter = make_formatter();
    std::unique_lock lock(mutex);
    while (true) {
      idle = true;
      work.wait(lock, [&] { return stopping || !queue.empty(); });
      idle = false;
      work.wait_for(lock, gathering, [&] { return urgent(); });
      if (queue.empty()) break;
      batch.swap(queue);
      queued_octets = 0;
      const std::uint64_t lost_after_batch = std::exchange(lost, 0);
      lock.unlock();
      for (const Line& line : batch) put(*formatter, line);
      if (lost_after_batch != 0) {
        put(*formatter, {clock(), Tag::server, Level::problems,
                         fmt::format("{} lines of this log are missing here: its queue was full", lost_after_batch)});
      }
      sink->end_of_batch();
      const std::uint64_t done = batch.size();
      batch.clear();
      lock.lock();
      written += done;
      progress.notify_all();
    }
    finished = true;
    progress.notify_all();
  }

  void put(spdlog::pattern_formatter& formatter, const Line& line) {
    text.clear();
    append_indented(text, line.text);
    formatted.clear();
    formatter.format({spdlog::log_clock::time_point(line.time),
                      {},
                      to_spdlog_view(name_of(line.tag)),
                      to_spdlog(line.level),
                      to_spdlog_view(text)},
                     formatted);
    std::size_t size = formatted.size();
    if (size > 0 && formatted.data()[size - 1] == '\n') --size;
    sink->line({formatted.data(), size});
  }

  static spdlog::string_view_t to_spdlog_view(std::string_view view) { return {view.data(), view.size()}; }

  /// False when the sink is still blocked: then the thread keeps using this object.
  bool stop() {
    std::unique_lock lock(mutex);
    stopping = true;
    work.notify_one();
    const bool ended = progress.wait_for(lock, patience_at_exit, [&] { return finished; });
    lock.unlock();
    ended ? thread.join() : thread.detach();
    return ended;
  }

  const std::unique_ptr<Sink> sink;
  const Clock clock;
  const std::size_t line_limit;
  const std::size_t octet_limit;
  std::atomic<std::uint64_t> dropped{0};

  std::mutex mutex;  // guards what follows, up to the thread
  std::condition_variable work;
  std::condition_variable progress;
  std::vector<Line> queue;
  std::size_t queued_octets = 0;
  std::uint64_t lost = 0;  // since the queue was last swapped out
  std::uint64_t accepted = 0;
  std::uint64_t written = 0;
  int flushing = 0;  // who waits for what is queued
  bool idle = false;
  bool stopping = false;
  bool finished = false;

  std::vector<Line> batch;         // used by the side thread alone
  std::string text;                // used by the side thread alone
  spdlog::memory_buf_t formatted;  // used by the side thread alone
  std::thread thread;
};

Log::Log(std::unique_ptr<Sink> sink, std::size_t queue_lines, Clock clock)
    : writer_(std::make_unique<Writer>(std::move(sink), queue_lines, std::move(clock))) {
  set_level(Level::problems);
}

Log::~Log() {
  // The blocked side thread still uses the writer, which therefore lives until the process ends.
  if (!writer_->stop()) static_cast<void>(writer_.release());
}

void Log::set_level(Tag tag, Level level) {
  levels_[static_cast<std::size_t>(tag)].store(static_cast<std::uint8_t>(level), std::memory_order_relaxed);
}

void Log::set_level(Level level) {
  for (auto& each : levels_) each.store(static_cast<std::uint8_t>(level), std::memory_order_relaxed);
}

Level Log::level(Tag tag) const {
  return static_cast<Level>(levels_[static_cast<std::size_t>(tag)].load(std::memory_order_relaxed));
}

void Log::write(Tag tag, Level level, std::string line) {
  writer_->push({writer_->clock(), tag, level, std::move(line)});
}

bool Log::flush(Duration patience) {
  return writer_->wait_until_written(patience);
}

std::uint64_t Log::dropped() const {
  return writer_->dropped.load(std::memory_order_relaxed);
}

namespace {

class DescriptorSink : public Log::Sink {
 public:
  explicit DescriptorSink(int descriptor) : descriptor_(descriptor) {}

  void line(std::string_view text) override {
    batch_ += text;
    batch_ += '\n';
  }

  void end_of_batch() override {
    std::string_view rest = batch_;
    while (!rest.empty()) {
      const ssize_t sent = ::write(descriptor_, rest.data(), rest.size());
      if (sent >= 0) {
        rest.remove_prefix(static_cast<std::size_t>(sent));
      } else if (errno == EAGAIN) {
        pollfd writable{descriptor_, POLLOUT, 0};
        poll(&writable, 1, -1);
      } else if (errno != EINTR) {
        break;  // nobody listens any more, and there is nowhere to say so
      }
    }
    batch_.clear();
    if (batch_.capacity() > most_kept) batch_.shrink_to_fit();
  }

 private:
  static constexpr std::size_t most_kept = 1 << 20;
  int descriptor_;
  std::string batch_;
};

class NullSink : public Log::Sink {
 public:
  void line(std::string_view) override {}
};

}  // namespace

std::unique_ptr<Log::Sink> standard_error_sink() {
  return descriptor_sink(STDERR_FILENO);
}

std::unique_ptr<Log::Sink> descriptor_sink(int descriptor) {
  return std::make_unique<DescriptorSink>(descriptor);
}

std::unique_ptr<Log::Sink> null_sink() {
  return std::make_unique<NullSink>();
}

}  // namespace bellhop::observe
