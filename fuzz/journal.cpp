// Hostile journal bytes: as frames of a file, and as payloads that the location table replays.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "location/replay.hpp"
#include "storage/journal_format.hpp"

#include "properties.hpp"

using bellhop::fuzz::require;

namespace {

using namespace bellhop;

void check_block(std::string_view aor, const location::BindingView& binding) {
  const auto block = location::Block::make(1, aor, {&binding, 1});
  const auto at = block->begin();
  require(block->aor() == aor && block->after(at) == block->end());
  const location::BindingView read = block->at(at);
  require(read.contact == binding.contact && read.contact_parameters == binding.contact_parameters &&
          read.call_id == binding.call_id && read.instance == binding.instance && read.path == binding.path &&
          read.flow == binding.flow && read.expires == binding.expires);
}

void check_codec(std::string_view aor, const location::BindingView& binding) {
  std::string record;
  location::append_put(record, aor, binding);
  std::string_view rest = record;
  const auto operation = location::next_operation(rest);
  require(operation && rest.empty() && operation->aor == aor && operation->binding.id == binding.id &&
          operation->binding.flow == binding.flow && operation->binding.user_agent == binding.user_agent);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  std::size_t payload_octets = 0;
  const auto scan = storage::scan_frames(input, 0, [&](std::string_view payload) { payload_octets += payload.size(); });
  require(scan.end <= size && payload_octets + scan.records * storage::frame_overhead + scan.skipped == scan.end);
  (void)storage::decode_journal_header(input);

  location::Replay replay(1);
  std::string_view rest = input;
  while (rest.size() >= 2) {  // payloads behind a two-octet length
    std::uint16_t length = 0;
    std::memcpy(&length, rest.data(), sizeof length);
    rest.remove_prefix(2);
    const std::string_view payload = rest.substr(0, length);
    replay.record(payload);
    rest.remove_prefix(payload.size());
  }
  replay.finish(TimePoint{}, [](std::string_view aor, const location::BindingView& binding) {
    check_block(aor, binding);
    check_codec(aor, binding);
  });
  return 0;
}
