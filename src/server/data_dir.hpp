#pragma once

#include <string>

#include "crypto/token.hpp"

namespace bellhop::server {

/// The folder that holds what outlives the process. Created when missing (mode 0700). All functions throw
/// std::runtime_error with a clear text.
class DataDir {
 public:
  explicit DataDir(std::string path);

  /// Keeps a second server out of the folder until this ends.
  class Lock {
   public:
    explicit Lock(const std::string& path);
    ~Lock();
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;

   private:
    int fd_ = -1;
  };
  [[nodiscard]] std::string accounts() const { return path_ + "/bellhop.db"; }
  [[nodiscard]] std::string bindings() const { return path_ + "/bindings.journal"; }
  [[nodiscard]] std::string guard() const { return path_ + "/guard.json"; }
  [[nodiscard]] std::string lock() const { return path_ + "/bellhop.lock"; }
  /// The secret that marks Route tokens and branches as ours, so that calls survive a restart. Drawn at the first
  /// start.
  [[nodiscard]] crypto::Key key() const;

 private:
  std::string path_;
};

}  // namespace bellhop::server
