#include "location/replay.hpp"

#include <algorithm>

namespace bellhop::location {

void Replay::record(std::string_view payload) {
  while (!payload.empty()) {
    const std::string_view before = payload;
    const auto operation = next_operation(payload);
    if (!operation) {
      ++malformed_;
      return;
    }
    apply(*operation, before.substr(0, before.size() - payload.size()));
  }
}

void Replay::apply(const Operation& operation, std::string_view octets) {
  const BindingView& b = operation.binding;
  highest_id_ = std::max(highest_id_, b.id);
  if (operation.kind == Operation::Kind::seen) return;
  Newest& newest = ids_[b.id];
  switch (operation.kind) {
    case Operation::Kind::put:
      if (newest.put.empty() || b.version >= newest.put_version) {
        newest.put = octets;
        newest.put_version = b.version;
      }
      break;
    case Operation::Kind::touch:
      if (!newest.touched || b.version >= newest.touch_version) {
        newest.touched = true;
        newest.touch_version = b.version;
        newest.cseq = b.cseq;
        newest.expires = b.expires;
        newest.updated = b.updated;
      }
      break;
    case Operation::Kind::remove: newest.removed = true; break;
    case Operation::Kind::seen: break;
  }
}

void Replay::finish(TimePoint now, const std::function<void(std::string_view, const BindingView&)>& visit) const {
  for (const auto& [id, newest] : ids_) {
    if (newest.removed || newest.put.empty()) continue;
    std::string_view octets = newest.put;
    auto operation = next_operation(octets);
    if (!operation) continue;
    BindingView& binding = operation->binding;
    if (newest.touched && newest.touch_version > newest.put_version) {
      binding.version = newest.touch_version;
      binding.cseq = newest.cseq;
      binding.expires = newest.expires;
      binding.updated = newest.updated;
    }
    if (binding.expires <= now) continue;
    binding.flow.stream = {};
    binding.flow.shard = 0;
    visit(operation->aor, binding);
  }
}

}  // namespace bellhop::location
