#include "location/binding_codec.hpp"

#include "location/octets.hpp"

namespace bellhop::location {

namespace {

/// Ids are microseconds since 1970 and count up from there: this leaves none that could overflow.
constexpr std::uint64_t highest_possible_id = std::uint64_t{1} << 62;

void begin(std::string& out, Operation::Kind kind, std::uint64_t id) {
  put(out, static_cast<std::uint8_t>(kind));
  put(out, id);
}

bool read_put(Reader& in, Operation& op) {
  BindingView& b = op.binding;
  b.version = in.number<std::uint32_t>();
  b.cseq = in.number<std::uint32_t>();
  b.expires = in.time();
  b.updated = in.time();
  b.methods = in.number<std::uint32_t>();
  b.reg_id = in.number<std::uint32_t>();
  b.q = in.number<std::uint16_t>();
  b.natted = in.number<std::uint8_t>() != 0;
  const auto flow = FlowOctets::decode(in.text());
  for (std::string_view* text :
       {&op.aor, &b.contact, &b.contact_parameters, &b.call_id, &b.instance, &b.path, &b.user_agent}) {
    *text = in.text();
    if (text->size() > longest_text) return false;
  }
  if (!in.ok() || !flow || op.aor.empty() || b.q > 1000) return false;
  b.flow = *flow;
  b.user_agent = b.user_agent.substr(0, Agents::longest);
  return true;
}

}  // namespace

void append_put(std::string& out, std::string_view aor, const BindingView& b) {
  begin(out, Operation::Kind::put, b.id);
  put(out, b.version);
  put(out, b.cseq);
  put(out, b.expires);
  put(out, b.updated);
  put(out, b.methods);
  put(out, b.reg_id);
  put(out, b.q);
  put(out, static_cast<std::uint8_t>(b.natted));
  put_text(out, FlowOctets(b.flow).text());
  for (const std::string_view text :
       {aor, b.contact, b.contact_parameters, b.call_id, b.instance, b.path, b.user_agent})
    put_text(out, text);
}

TouchRecord::TouchRecord(std::uint64_t id, std::uint32_t version, std::uint32_t cseq, TimePoint expires,
                         TimePoint updated) {
  char* to = octets_;
  const auto add = [&to](auto value) {
    std::memcpy(to, &value, sizeof value);
    to += sizeof value;
  };
  add(static_cast<std::uint8_t>(Operation::Kind::touch));
  add(id);
  add(version);
  add(cseq);
  add(std::int64_t{expires.time_since_epoch().count()});
  add(std::int64_t{updated.time_since_epoch().count()});
}

void append_remove(std::string& out, std::uint64_t id) {
  begin(out, Operation::Kind::remove, id);
}

void append_seen(std::string& out, std::uint64_t id) {
  begin(out, Operation::Kind::seen, id);
}

std::optional<Operation> next_operation(std::string_view& record) {
  Reader in(record);
  Operation op;
  op.kind = static_cast<Operation::Kind>(in.number<std::uint8_t>());
  op.binding.id = in.number<std::uint64_t>();
  if (op.binding.id == 0 || op.binding.id > highest_possible_id) return std::nullopt;
  switch (op.kind) {
    case Operation::Kind::put:
      if (!read_put(in, op)) return std::nullopt;
      break;
    case Operation::Kind::touch:
      op.binding.version = in.number<std::uint32_t>();
      op.binding.cseq = in.number<std::uint32_t>();
      op.binding.expires = in.time();
      op.binding.updated = in.time();
      break;
    case Operation::Kind::remove:
    case Operation::Kind::seen: break;
    default: return std::nullopt;
  }
  if (!in.ok()) return std::nullopt;
  record = in.rest();
  return op;
}

}  // namespace bellhop::location
