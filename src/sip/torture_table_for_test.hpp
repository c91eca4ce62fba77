#pragma once

#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

namespace bellhop::sip {

/// One line of tests/data/torture.tsv: what must become of a message of RFC 4475 or 5118, by the parser and by a whole
/// server.
struct TortureRow {
  std::string file, section, title, datagram, stream, request_uri, server, over_tcp, heard, bound, note;

  /// What the server does with it over this kind of transport, in words.
  [[nodiscard]] std::vector<std::string> outcome(bool tcp) const {
    std::istringstream words(tcp && over_tcp != "same" ? over_tcp : server);
    return {std::istream_iterator<std::string>(words), {}};
  }
};

[[nodiscard]] inline std::vector<TortureRow> torture_rows() {
  std::vector<TortureRow> rows;
  std::ifstream in("tests/data/torture.tsv");
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream cells(line);
    TortureRow& row = rows.emplace_back();
    for (std::string* cell : {&row.file, &row.section, &row.title, &row.datagram, &row.stream, &row.request_uri,
                              &row.server, &row.over_tcp, &row.heard, &row.bound, &row.note})
      std::getline(cells, *cell, '\t');
  }
  return rows;
}

/// `file` is a path below tests/data; empty when it cannot be read.
[[nodiscard]] inline std::string torture_octets(const std::string& file) {
  std::ifstream in("tests/data/" + file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace bellhop::sip
