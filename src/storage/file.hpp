#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace bellhop::storage {

/// Owns a file descriptor.
class FileDescriptor {
 public:
  explicit FileDescriptor(int fd = -1) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~FileDescriptor();
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool valid() const { return fd_ >= 0; }

 private:
  int fd_;
};

// These leave the reason in errno when they return false. Blocking: for side threads only.

[[nodiscard]] bool write_at(int fd, std::string_view octets, std::uint64_t offset);
[[nodiscard]] bool copy_range(int from, std::uint64_t at, std::uint64_t size, int to, std::uint64_t to_offset);
/// Makes a rename of `path` durable.
void sync_directory_of(const std::string& path);

[[nodiscard]] std::string error_text(int error);

}  // namespace bellhop::storage
