#include "admin/json.hpp"

#include <boost/json.hpp>

namespace bellhop::admin {

namespace {

namespace bj = boost::json;

/// How many octets the UTF-8 character at the front takes (RFC 3629); 0 when there is none.
std::size_t utf8_length(std::string_view s) {
  const auto octet = [&](std::size_t i) { return static_cast<unsigned char>(s[i]); };
  const unsigned first = octet(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || s.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((octet(i) & 0xc0) != 0x80) return 0;
  const unsigned second = octet(1);
  if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f)) return 0;
  if ((first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f)) return 0;
  return length;
}

std::string valid_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0)
      out += "\xef\xbf\xbd";
    else
      out += text.substr(0, length);
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return out;
}

bj::value to_boost(const Json& json) {
  if (const bool* b = json.as_bool()) return *b;
  if (const std::int64_t* i = json.as_integer()) return *i;
  if (const double* d = json.as_real()) return *d;
  if (const std::string* s = json.as_text()) return bj::value(bj::string(valid_utf8(*s)));
  if (const Json::Array* a = json.as_array()) {
    bj::array out;
    out.reserve(a->size());
    for (const Json& item : *a) out.push_back(to_boost(item));
    return out;
  }
  if (const Json::Object* o = json.as_object()) {
    bj::object out;
    for (const auto& [name, value] : *o) out[valid_utf8(name)] = to_boost(value);
    return out;
  }
  return nullptr;
}

Json from_boost(const bj::value& value) {
  switch (value.kind()) {
    case bj::kind::null: return {};
    case bj::kind::bool_: return value.get_bool();
    case bj::kind::int64: return value.get_int64();
    case bj::kind::uint64: return static_cast<double>(value.get_uint64());
    case bj::kind::double_: return value.get_double();
    case bj::kind::string: return std::string(value.get_string().data(), value.get_string().size());
    case bj::kind::array: {
      Json out = Json::array();
      for (const bj::value& item : value.get_array()) out.push(from_boost(item));
      return out;
    }
    case bj::kind::object: {
      Json out = Json::object();
      for (const auto& member : value.get_object()) out.set(std::string(member.key()), from_boost(member.value()));
      return out;
    }
  }
  return {};
}

}  // namespace

Json& Json::set(std::string name, Json value) {
  if (is_null()) value_ = Object{};
  if (auto* o = std::get_if<Object>(&value_)) o->emplace_back(std::move(name), std::move(value));
  return *this;
}

Json& Json::push(Json value) {
  if (is_null()) value_ = Array{};
  if (auto* a = std::get_if<Array>(&value_)) a->push_back(std::move(value));
  return *this;
}

const Json* Json::find(std::string_view name) const {
  if (const Object* o = as_object())
    for (const auto& [key, value] : *o)
      if (key == name) return &value;
  return nullptr;
}

std::string Json::write() const {
  return bj::serialize(to_boost(*this));
}

std::optional<Json> Json::parse(std::string_view text) {
  boost::system::error_code error;
  const bj::value value = bj::parse(bj::string_view(text.data(), text.size()), error);
  if (error) return std::nullopt;
  return from_boost(value);
}

}  // namespace bellhop::admin
