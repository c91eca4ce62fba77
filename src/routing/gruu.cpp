#include "routing/gruu.hpp"

#include "base/text.hpp"
#include "crypto/sealed.hpp"
#include "crypto/subkey.hpp"
#include "sip/escape.hpp"

namespace bellhop::routing {

namespace {

constexpr std::string_view temporary_prefix = "tgruu.";

/// A URN without the angle brackets in which devices write it.
std::string_view without_brackets(std::string_view instance) {
  return instance.size() > 2 && instance.front() == '<' && instance.back() == '>'
             ? instance.substr(1, instance.size() - 2)
             : instance;
}

void put(std::string& out, std::uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift));
}

std::uint64_t take(std::string_view& octets) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < 8; ++i) value = value << 8 | static_cast<std::uint8_t>(octets[i]);
  octets.remove_prefix(8);
  return value;
}

}  // namespace

Gruus::Gruus(const crypto::Key& key) : key_(crypto::subkey(key, "gruu")) {}

void Gruus::append_public(std::string& out, std::string_view aor, std::string_view instance) {
  out.append(";pub-gruu=\"")
      .append(aor)
      .append(";gr=")
      .append(sip::escape_parameter(without_brackets(instance)))
      .append("\"");
}

void Gruus::append_temporary(std::string& out, std::string_view key, std::string_view domain, std::string_view instance,
                             std::string_view call_id) const {
  std::string plain;
  put(plain, hash(instance));
  put(plain, hash(call_id));
  plain += key;
  out.append(";temp-gruu=\"sip:")
      .append(temporary_prefix)
      .append(crypto::seal(key_, plain))
      .append("@")
      .append(domain)
      .append(";gr\"");
}

std::optional<Gruus::Temporary> Gruus::read_temporary(std::string_view user) const {
  if (!starts_with_ignore_case(user, temporary_prefix)) return std::nullopt;
  const auto plain = crypto::unseal(key_, user.substr(temporary_prefix.size()));
  if (!plain || plain->size() < 17) return std::nullopt;
  std::string_view rest = *plain;
  Temporary found;
  found.device.instance_hash = take(rest);
  found.device.call_id_hash = take(rest);
  found.key = rest;
  return found;
}

Gruus::Device Gruus::device_of(const sip::Parameter& gr) {
  Device device;
  device.instance = sip::unescape(gr.value);
  device.known = !gr.value.empty();  // "gr" without value, and no temporary GRUU of ours
  return device;
}

bool Gruus::replaced(const Device& device, const location::BindingView& binding) const {
  return !binding.instance.empty() && hash(binding.instance) == device.instance_hash &&
         hash(binding.call_id) != device.call_id_hash;
}

bool Gruus::matches(const Device& device, const location::BindingView& binding) const {
  if (binding.instance.empty()) return false;
  if (device.instance_hash != 0)
    return hash(binding.instance) == device.instance_hash && hash(binding.call_id) == device.call_id_hash;
  return equals_ignore_case(without_brackets(binding.instance), device.instance);
}

}  // namespace bellhop::routing
