#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

namespace bellhop::storage::sqlite {

/// What SQLite refused, with its own words. Stays inside the room: an AccountStore turns it into a StoreError.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// One connection. Writers wait up to five seconds for each other, so that the command line can change a file that a
/// server has open. Not thread-safe.
class Database {
 public:
  /// Creates the file with mode 0600, owned as its directory is, when it is missing; takes other people's rights away
  /// from an existing one.
  explicit Database(const std::string& path);
  void execute(const char* sql);  ///< one or more statements without results
  [[nodiscard]] std::int64_t number(const char* sql);
  [[nodiscard]] sqlite3* handle() const { return handle_.get(); }
  [[nodiscard]] int changes() const { return sqlite3_changes(handle_.get()); }  ///< rows of the latest statement
  [[noreturn]] void fail(const char* what) const;

 private:
  struct Close {
    void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
  };
  std::unique_ptr<sqlite3, Close> handle_;
};

/// Octets bound as a BLOB, not as text.
struct Blob {
  std::string_view octets;
};

/// A prepared statement, kept for the life of the store.
class Statement {
 public:
  Statement(Database& database, const char* sql);

  /// Runs it to its end, without results.
  template <class... Values>
  void run(const Values&... values) {
    Rows rows = query(values...);
    while (rows.next()) {
    }
  }

  /// The results of one execution; ends it when it goes out of scope. Views live until next().
  class Rows {
   public:
    Rows(const Rows&) = delete;
    Rows& operator=(const Rows&) = delete;
    ~Rows() { sqlite3_reset(statement_.handle_.get()); }
    [[nodiscard]] bool next();
    [[nodiscard]] std::string_view text(int column) const;
    [[nodiscard]] std::string_view blob(int column) const;
    [[nodiscard]] std::int64_t number(int column) const;

   private:
    explicit Rows(Statement& statement) : statement_(statement) {}
    Statement& statement_;
    friend class Statement;
  };
  /// Bound values are not copied: they must outlive the rows.
  template <class... Values>
  [[nodiscard]] Rows query(const Values&... values) {
    int index = 0;
    (bind(++index, values), ...);
    return Rows(*this);
  }

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  void bind(int index, std::string_view text);
  void bind(int index, std::int64_t number);
  void bind(int index, Blob blob);

  Database& database_;
  std::unique_ptr<sqlite3_stmt, Finalize> handle_;
};

/// A write transaction, taken at once (BEGIN IMMEDIATE) so that it cannot fail half way for want of the lock; rolled
/// back unless commit() was reached.
class Transaction {
 public:
  explicit Transaction(Database& database) : database_(database) { database_.execute("BEGIN IMMEDIATE"); }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction();
  void commit();

 private:
  Database& database_;
  bool open_ = true;
};

}  // namespace bellhop::storage::sqlite
