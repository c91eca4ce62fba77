#include "server/csv.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace bellhop::server {

namespace {

class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  Result<std::vector<CsvRow>, std::string> read() {
    std::vector<CsvRow> rows;
    while (!rest_.empty()) {
      if (rest_.front() == '#' || rest_.front() == '\n' || rest_.front() == '\r') {
        const auto end = std::min(rest_.find('\n'), rest_.size() - 1);
        rest_.remove_prefix(end + 1);
        ++line_;
        continue;
      }
      CsvRow row;
      row.line = line_;
      if (!read_row(row)) return failure(fmt::format("line {}: {}", line_, fault_));
      rows.push_back(std::move(row));
    }
    return rows;
  }

 private:
  bool read_row(CsvRow& row) {
    for (;;) {
      std::string field;
      if (!(!rest_.empty() && rest_.front() == '"' ? read_quoted(field) : read_plain(field))) return false;
      row.fields.push_back(std::move(field));
      if (rest_.starts_with("\r\n")) rest_.remove_prefix(1);
      if (rest_.empty()) return true;
      const char separator = rest_.front();
      rest_.remove_prefix(1);
      if (separator == '\n') {
        ++line_;
        return true;
      }
      if (separator != ',') {
        fault_ = "text behind a closing quote; put a comma or a line end there";
        return false;
      }
    }
  }

  bool read_plain(std::string& field) {
    auto end = std::min(rest_.find_first_of(",\n"), rest_.size());
    if (end > 0 && end < rest_.size() && rest_[end] == '\n' && rest_[end - 1] == '\r') --end;
    field = rest_.substr(0, end);
    rest_.remove_prefix(end);
    if (field.find('"') == std::string::npos) return true;
    fault_ = "a quote inside a field; put the whole field in quotes and double the quote";
    return false;
  }

  bool read_quoted(std::string& field) {
    rest_.remove_prefix(1);
    for (;;) {
      const auto quote = rest_.find('"');
      if (quote == std::string_view::npos) {
        fault_ = "a quote that is never closed";
        return false;
      }
      field += rest_.substr(0, quote);
      line_ +=
          static_cast<unsigned>(std::count(rest_.begin(), rest_.begin() + static_cast<std::ptrdiff_t>(quote), '\n'));
      rest_.remove_prefix(quote + 1);
      if (rest_.empty() || rest_.front() != '"') return true;
      field += '"';
      rest_.remove_prefix(1);
    }
  }

  std::string_view rest_;
  unsigned line_ = 1;
  std::string fault_;
};

}  // namespace

Result<std::vector<CsvRow>, std::string> parse_csv(std::string_view text) {
  return Reader(text).read();
}

}  // namespace bellhop::server
