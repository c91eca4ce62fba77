#pragma once

#include "storage/sqlite.hpp"

namespace bellhop::storage {

/// Brings the account tables to the version this program knows, step by step, in one transaction. Throws sqlite::Error
/// for a file of another program or of a newer Bellhop. A new version is one more step at the end of the list in
/// schema.cpp; a step that was ever released is never changed.
void migrate(sqlite::Database& database);

}  // namespace bellhop::storage
