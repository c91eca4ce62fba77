#include "storage/file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

namespace bellhop::storage {

FileDescriptor::~FileDescriptor() {
  if (fd_ >= 0) ::close(fd_);
}

bool write_at(int fd, std::string_view octets, std::uint64_t offset) {
  while (!octets.empty()) {
    const ssize_t n = ::pwrite(fd, octets.data(), octets.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n == 0) errno = EIO;
    if (n <= 0) return false;
    octets.remove_prefix(static_cast<std::size_t>(n));
    offset += static_cast<std::uint64_t>(n);
  }
  return true;
}

bool copy_range(int from, std::uint64_t at, std::uint64_t size, int to, std::uint64_t to_offset) {
  std::string chunk;
  while (size > 0) {
    chunk.resize(std::min<std::uint64_t>(size, 1024 * 1024));
    const ssize_t n = ::pread(from, chunk.data(), chunk.size(), static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n == 0) errno = EIO;
    if (n <= 0) return false;
    chunk.resize(static_cast<std::size_t>(n));
    if (!write_at(to, chunk, to_offset)) return false;
    at += chunk.size();
    to_offset += chunk.size();
    size -= chunk.size();
  }
  return true;
}

void sync_directory_of(const std::string& path) {
  const auto directory = std::filesystem::path(path).parent_path();
  const FileDescriptor fd(::open(directory.empty() ? "." : directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.valid()) ::fsync(fd.get());
}

std::string error_text(int error) {
  return std::generic_category().message(error);
}

}  // namespace bellhop::storage
