#include "storage/sqlite.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace bellhop::storage::sqlite {
namespace {

constexpr int busy_milliseconds = 5000;

/// The hashes in the file are as good as passwords for logging in, so nobody but its owner reads it. When root creates
/// it for a service that runs as somebody else, it belongs to whom the directory belongs.
void secure_file(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) throw Error(fmt::format("cannot open {}: {}", path, std::strerror(errno)));
  struct stat status{};
  struct stat directory{};
  const std::filesystem::path parent = std::filesystem::absolute(path).parent_path();
  if (::fstat(file, &status) == 0) {
    if ((status.st_mode & 077) != 0) ::fchmod(file, 0600);
    const bool fresh = status.st_size == 0;
    if (fresh && ::geteuid() == 0 && ::stat(parent.c_str(), &directory) == 0 &&
        ::fchown(file, directory.st_uid, directory.st_gid) != 0) {
      ::close(file);
      throw Error(fmt::format("cannot give {} to the owner of its directory: {}", path, std::strerror(errno)));
    }
  }
  ::close(file);
}

}  // namespace

Database::Database(const std::string& path) {
  secure_file(path);
  sqlite3* handle = nullptr;
  const int result = sqlite3_open_v2(path.c_str(), &handle,
                                     SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  handle_.reset(handle);
  if (result != SQLITE_OK) fail("cannot open the database");
  sqlite3_busy_timeout(handle, busy_milliseconds);
}

void Database::execute(const char* sql) {
  if (sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) fail(sql);
}

std::int64_t Database::number(const char* sql) {
  Statement statement(*this, sql);
  auto rows = statement.query();
  return rows.next() ? rows.number(0) : 0;
}

void Database::fail(const char* what) const {
  throw Error(fmt::format("{}: {}", what, handle_ ? sqlite3_errmsg(handle_.get()) : "out of memory"));
}

Statement::Statement(Database& database, const char* sql) : database_(database) {
  sqlite3_stmt* handle = nullptr;
  if (sqlite3_prepare_v3(database.handle(), sql, -1, SQLITE_PREPARE_PERSISTENT, &handle, nullptr) != SQLITE_OK)
    database.fail(sql);
  handle_.reset(handle);
}

void Statement::bind(int index, std::string_view text) {
  // A null pointer would bind NULL; an empty text is a text.
  const char* data = text.data() != nullptr ? text.data() : "";
  if (sqlite3_bind_text(handle_.get(), index, data, static_cast<int>(text.size()), SQLITE_STATIC) != SQLITE_OK)
    database_.fail("bind");
}

void Statement::bind(int index, std::int64_t number) {
  if (sqlite3_bind_int64(handle_.get(), index, number) != SQLITE_OK) database_.fail("bind");
}

void Statement::bind(int index, Blob blob) {
  const auto size = static_cast<int>(blob.octets.size());
  if (sqlite3_bind_blob(handle_.get(), index, blob.octets.data(), size, SQLITE_STATIC) != SQLITE_OK)
    database_.fail("bind");
}

bool Statement::Rows::next() {
  const int result = sqlite3_step(statement_.handle_.get());
  if (result == SQLITE_ROW) return true;
  if (result != SQLITE_DONE) statement_.database_.fail("query");
  return false;
}

std::string_view Statement::Rows::text(int column) const {
  const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(statement_.handle_.get(), column));
  return data == nullptr
             ? std::string_view{}
             : std::string_view(data, static_cast<std::size_t>(sqlite3_column_bytes(statement_.handle_.get(), column)));
}

std::string_view Statement::Rows::blob(int column) const {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_.handle_.get(), column));
  return data == nullptr
             ? std::string_view{}
             : std::string_view(data, static_cast<std::size_t>(sqlite3_column_bytes(statement_.handle_.get(), column)));
}

std::int64_t Statement::Rows::number(int column) const {
  return sqlite3_column_int64(statement_.handle_.get(), column);
}

Transaction::~Transaction() {
  if (open_) sqlite3_exec(database_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
}

void Transaction::commit() {
  database_.execute("COMMIT");
  open_ = false;
}

}  // namespace bellhop::storage::sqlite
