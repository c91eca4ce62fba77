#include "base/text.hpp"
#include "sip/plain.hpp"
#include "sip/scan.hpp"
#include "sip/values.hpp"

namespace bellhop::sip {
namespace {

using scan::Cursor;

/// protocol-name SLASH protocol-version SLASH
bool take_protocol(Cursor& cursor, Via& via) {
  const char* const begin = cursor.at;
  if (cursor.take(scan::token).empty()) return false;
  cursor.skip_blanks();
  if (!cursor.skip('/')) return false;
  cursor.skip_blanks();
  if (cursor.take(scan::token).empty()) return false;
  via.protocol = cursor.since(begin);
  cursor.skip_blanks();
  return cursor.skip('/');
}

/// protocol-name SLASH protocol-version SLASH transport LWS
bool take_sent_protocol(Cursor& cursor, Via& via) {
  if (!take_protocol(cursor, via)) return false;
  cursor.skip_blanks();
  via.transport = cursor.take(scan::token);
  const char* const gap = cursor.at;
  cursor.skip_blanks();
  return !via.transport.empty() && cursor.at != gap;
}

/// host [ COLON port ]
std::optional<ValueError> take_sent_by(Cursor& cursor, Via& via) {
  const std::size_t length = host_length(cursor.rest());
  if (length == 0) return ValueError::malformed;
  via.host = Cursor::since(cursor.at, cursor.at + length);
  cursor.at += length;
  cursor.skip_blanks();
  if (!cursor.skip(':')) return std::nullopt;
  cursor.skip_blanks();
  const char* const digits = cursor.at;
  const std::uint64_t port = scan::take_number(cursor, UINT16_MAX);
  if (cursor.at == digits) return ValueError::malformed;
  if (port > UINT16_MAX) return ValueError::out_of_range;
  via.port = static_cast<std::uint16_t>(port);
  return std::nullopt;
}

/// The parameters that RFC 3261 and RFC 3581 define: each at most once (RFC 3261 section 7.3.1), each with its own
/// form.
class ViaParameters {
 public:
  explicit ViaParameters(Via& via) : via_(via) {}

  bool operator()(const scan::Scanned& p) {
    switch (p.name.size()) {
      case 3: return !scan::named(p.name, "ttl") || (set(via_.ttl, p) && is_number(p.value, 255));
      case 5:
        if (scan::named(p.name, "rport")) return set_rport(p);
        return !scan::named(p.name, "maddr") || (set(via_.maddr, p) && host_length(p.value) == p.value.size());
      case 6: return !scan::named(p.name, "branch") || (set(via_.branch, p) && p.value_is_token);
      case 8: return !scan::named(p.name, "received") || (set(via_.received, p) && p.value[0] != '"');
      default: return true;
    }
  }

 private:
  static bool set(std::string_view& field, const scan::Scanned& p) {
    if (!p.has_value || field.data() != nullptr) return false;
    field = p.value;
    return true;
  }
  static bool is_number(std::string_view text, std::uint32_t max) { return parse_number(text, max).has_value(); }
  bool set_rport(const scan::Scanned& p) {
    if (via_.has_rport || (p.has_value && !is_number(p.value, 65535))) return false;
    via_.has_rport = true;
    via_.rport_text = p.value;
    return true;
  }

  Via& via_;
};

/// The plain one: "SIP/2.0/" transport SP host [":" port] and plain parameters, and nothing behind them. False when it
/// is written otherwise or is none; what is then in `via` is of no use.
struct PlainVia {
  template <class Runs>
  [[gnu::always_inline]] static bool take(std::string_view text, std::string_view around, Via& via) {
    constexpr std::string_view protocol = "SIP/2.0/";
    if (!text.starts_with(protocol)) return false;
    via.protocol = text.substr(0, protocol.size() - 1);
    Runs runs(text, around, text.data() + protocol.size());
    via.transport = runs.next();
    if (via.transport.empty() || runs.behind() != ' ') return false;
    via.host = runs.next();
    if (!plain::is_host(via.host, around)) return false;
    if (runs.behind() == ':' && !plain::read_port(runs.next(), via.port)) return false;
    const char* const parameters = runs.at();
    const bool has_parameters = runs.behind() == ';';
    scan::Scanned p;
    while (runs.behind() == ';') {
      p.name = runs.next();
      p.has_value = p.value_is_token = runs.behind() == '=';
      p.value = p.has_value ? runs.next() : std::string_view{};
      if (p.name.empty() || (p.has_value && p.value.empty()) || !ViaParameters{via}(p)) return false;
    }
    if (has_parameters) via.parameters = Cursor::since(parameters, text.data() + text.size());
    via.text = text;
    return runs.behind() == Runs::none;
  }
};

}  // namespace

bool Via::has_cookie() const {
  constexpr std::string_view cookie = "z9hG4bK";
  return branch.starts_with(cookie) || starts_with_ignore_case(branch, cookie);
}

bool Via::has_branch_and_rport_alone() const {
  constexpr std::size_t branch_name = std::string_view("branch=").size();
  constexpr std::size_t rport = std::string_view(";rport").size();
  return !branch.empty() && parameters.size() == branch_name + branch.size() + (has_rport ? rport : 0);
}

std::optional<ValueError> scan::read_via(std::string_view text, std::string_view around, Via& via,
                                         std::string_view& rest) {
  if (plain::take<PlainVia>(text, around, via)) {
    rest = {};
    return {};
  }
  via = Via{};
  return read_any_via(text, via, rest);
}

std::optional<ValueError> scan::read_any_via(std::string_view text, Via& via, std::string_view& rest) {
  Cursor cursor(text);
  cursor.skip_blanks();
  const char* const begin = cursor.at;
  if (!take_sent_protocol(cursor, via)) return ValueError::malformed;
  if (const auto error = take_sent_by(cursor, via)) return error;
  if (!take_parameters(cursor, via.parameters, ViaParameters(via))) return ValueError::malformed;
  via.text = trimmed(begin, cursor.at);
  if (!take_rest(cursor, rest)) return ValueError::malformed;
  return std::nullopt;
}

Result<Via, ValueError> parse_via(std::string_view value, std::string_view* rest) {
  Result<Via, ValueError> via;
  std::string_view further;
  if (const auto error = scan::read_via(value, value, *via, further)) return failure(*error);
  if (rest != nullptr) *rest = further;
  return via;
}

}  // namespace bellhop::sip
