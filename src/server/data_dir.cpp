#include "server/data_dir.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <system_error>

namespace bellhop::server {

namespace {

[[noreturn]] void fail(const std::string& path, std::string_view what) {
  throw std::runtime_error(fmt::format("{}: {}", path, what));
}

class File {
 public:
  File(const std::string& path, int flags) : fd_(::open(path.c_str(), flags | O_CLOEXEC, 0600)) {}
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

}  // namespace

DataDir::DataDir(std::string path) : path_(std::move(path)) {
  namespace fs = std::filesystem;
  std::error_code error;
  if (fs::is_directory(path_, error)) return;
  fs::create_directories(path_, error);
  if (error) fail(path_, fmt::format("the data folder cannot be made: {}; set [server] data_dir", error.message()));
  fs::permissions(path_, fs::perms::owner_all, error);
}

DataDir::Lock::Lock(const std::string& path) : fd_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
  if (fd_ < 0) fail(path, std::strerror(errno));
  if (::flock(fd_, LOCK_EX | LOCK_NB) == 0) return;
  ::close(fd_);
  fail(path, "another server uses this data folder; stop it, or set another [server] data_dir");
}

DataDir::Lock::~Lock() {
  ::close(fd_);
}

crypto::Key DataDir::key() const {
  const std::string path = path_ + "/server.key";
  crypto::Key key{};
  {
    const File file(path, O_RDONLY);
    if (file.get() >= 0) {
      if (::read(file.get(), key.data(), key.size()) == static_cast<ssize_t>(key.size())) return key;
      fail(path, "is damaged; remove it (calls in progress will not survive the restart)");
    }
    if (errno != ENOENT) fail(path, std::strerror(errno));
  }
  // Written aside and renamed: a crash in between leaves no half key.
  const std::string fresh = path + ".new";
  key = crypto::random_key();
  {
    const File file(fresh, O_WRONLY | O_CREAT | O_TRUNC);
    if (::write(file.get(), key.data(), key.size()) != static_cast<ssize_t>(key.size()) || ::fsync(file.get()) != 0)
      fail(fresh, std::strerror(errno));
  }
  if (::rename(fresh.c_str(), path.c_str()) != 0) fail(path, std::strerror(errno));
  return key;
}

}  // namespace bellhop::server
