#include "storage/schema.hpp"

#include <fmt/format.h>

#include <array>
#include <cstdint>

namespace bellhop::storage {
namespace {

constexpr std::int64_t application_id =
    0x62656c6c;  // "bell": file(1) and a wrong path in a command line tell it by this

constexpr std::array steps{
    // 1: `change` holds one row, counted up by every change, that tells a running server to look again.
    R"(
CREATE TABLE domain (name TEXT NOT NULL PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE account (
  domain TEXT NOT NULL, user TEXT NOT NULL, sip INTEGER NOT NULL DEFAULT 1,
  PRIMARY KEY (domain, user)) WITHOUT ROWID;
CREATE TABLE credential (
  realm TEXT NOT NULL, account TEXT NOT NULL, name TEXT NOT NULL, hashes BLOB NOT NULL,
  PRIMARY KEY (realm, account, name)) WITHOUT ROWID;
CREATE TABLE alias (
  domain TEXT NOT NULL, user TEXT NOT NULL, target TEXT NOT NULL,
  PRIMARY KEY (domain, user)) WITHOUT ROWID;
CREATE INDEX alias_by_target ON alias (domain, target);
CREATE TABLE change (number INTEGER NOT NULL);
INSERT INTO change VALUES (1);
)",
    // 2: groups, identities and blocked callers of an account, as storage/rights.hpp packs them.
    "ALTER TABLE account ADD COLUMN rights TEXT NOT NULL DEFAULT ''"};

}  // namespace

void migrate(sqlite::Database& database) {
  sqlite::Transaction transaction(database);
  const std::int64_t present = database.number("PRAGMA user_version");
  const std::int64_t owner = database.number("PRAGMA application_id");
  const bool empty = database.number("SELECT count(*) FROM sqlite_schema") == 0;
  if (!empty && owner != application_id) throw sqlite::Error("the file is a database of another program");
  if (present > static_cast<std::int64_t>(steps.size()))
    throw sqlite::Error(fmt::format(
        "the file has format {} and was written by a newer Bellhop (this one knows up to {})", present, steps.size()));
  for (std::size_t step = static_cast<std::size_t>(present); step < steps.size(); ++step) database.execute(steps[step]);
  if (empty) database.execute(fmt::format("PRAGMA application_id = {}", application_id).c_str());
  database.execute(fmt::format("PRAGMA user_version = {}", steps.size()).c_str());
  transaction.commit();
}

}  // namespace bellhop::storage
