// Edits: any list of changes to any message that parses writes a text without losing its place, and without changes
// the very same octets. The input is a script of changes, a zero octet, and the message.
#include "sip/edits.hpp"

#include <cstdlib>
#include <string>
#include <string_view>

namespace {

using namespace bellhop::sip;

void apply(Edits& edits, const Message& message, std::uint8_t step) {
  const auto id = static_cast<HeaderId>(1 + step / 16 % 8 * 7);
  const auto fields = message.headers();
  const HeaderField& field = fields[step / 16 % fields.size()];
  switch (step % 12) {
    case 0: return edits.set_request_uri("sip:new@example.com");
    case 1: return edits.insert_above_first(HeaderId::via, "SIP/2.0/UDP h;branch=z9hG4bKx");
    case 2: return edits.append(id, "appended");
    case 3: return edits.append("X-New", "appended");
    case 4: return edits.replace_value(field, "replaced");
    case 5: return edits.remove(field);
    case 6: return edits.remove_all(field.id);
    case 7: return edits.remove_first_value(field.id);
    case 8: return edits.add_parameter_to_first(field.id, "name", "value");
    case 9: return edits.set(id, "set");
    case 10: return edits.set_body("text/plain", "new body");
    default: return edits.replace_part(message.value(field).substr(0, 3), "part");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t split = input.find('\0');
  if (split == std::string_view::npos) return 0;
  Message message;
  if (!message.parse(input.substr(split + 1), Limits{}, false)) return 0;
  Edits edits(message);
  std::string same;
  edits.write(same);
  if (same != message.octets()) std::abort();

  for (const char step : input.substr(0, split)) {
    if (message.is_request() || static_cast<std::uint8_t>(step) % 12 != 0) {
      apply(edits, message, static_cast<std::uint8_t>(step));
    }
  }
  std::string out;
  edits.write(out);
  std::string compact;
  edits.write(compact, FieldNames::compact);
  if (!out.ends_with(message.body()) && out.find("new body") == std::string::npos) std::abort();
  Message again;
  (void)again.parse(out, Limits{}, false);
  return 0;
}
