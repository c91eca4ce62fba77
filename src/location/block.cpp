#include "location/block.hpp"

#include <algorithm>
#include <cstring>
#include <new>

#include "location/octets.hpp"

namespace bellhop::location {

/// The fixed part of a binding. Its texts follow: contact, contact parameters, Call-ID, path, flow, and the instance
/// where it is not a part of the contact parameters (there it usually stands as +sip.instance).
struct Block::Head {
  std::uint64_t id;
  TimePoint expires, updated;
  const Agents::Entry* agent;
  std::uint32_t cseq, version, methods, reg_id;
  std::uint16_t q;
  std::uint16_t contact, parameters, call_id, path;  // sizes
  std::uint16_t instance_at, instance;               // from the first text on
  std::uint8_t flow, natted;

  [[nodiscard]] std::uint32_t texts() const {
    const std::uint32_t before = std::uint32_t{contact} + parameters + call_id + path + flow;
    return instance_at >= before ? before + instance : before;
  }
};

BindingView view_of(const Binding& b) {
  BindingView view;
  view.id = b.id;
  view.cseq = b.cseq;
  view.methods = b.methods;
  view.reg_id = b.reg_id;
  view.q = b.q;
  view.natted = b.natted;
  view.expires = b.expires;
  view.updated = b.updated;
  view.contact = b.contact;
  view.contact_parameters = b.contact_parameters;
  view.call_id = b.call_id;
  view.instance = b.instance;
  view.path = b.path;
  view.user_agent = std::string_view(b.user_agent).substr(0, Agents::longest);
  view.flow = b.flow;
  return view;
}

void copy_to(const BindingView& view, Binding& out) {
  out.id = view.id;
  out.contact = view.contact;
  out.contact_parameters = view.contact_parameters;
  out.call_id = view.call_id;
  out.cseq = view.cseq;
  out.q = view.q;
  out.expires = view.expires;
  out.updated = view.updated;
  out.instance = view.instance;
  out.reg_id = view.reg_id;
  out.path = view.path;
  out.user_agent = view.user_agent;
  out.methods = view.methods;
  out.flow = view.flow;
  out.natted = view.natted;
}

void Block::Free::operator()(Block* block) const noexcept {
  ::operator delete(block);
}

void Block::copy_to(Ptr& copy, std::size_t& room) const {
  const std::size_t size = sizeof(Block) + size_;
  if (copy == nullptr || room < size) {
    copy.reset(::new (::operator new(size)) Block);
    room = size;
  }
  static_assert(std::is_trivially_copyable_v<Block>);
  std::memcpy(static_cast<void*>(copy.get()), this, size);
}

Block::Ptr Block::make(std::uint64_t hash, std::string_view aor, std::span<const BindingView> bindings) {
  const auto instance_in_parameters = [](const BindingView& b) { return b.contact_parameters.find(b.instance); };
  std::size_t size = aor.size();
  for (const BindingView& b : bindings) {
    size += sizeof(Head) + b.contact.size() + b.contact_parameters.size() + b.call_id.size() + b.path.size();
    size += FlowOctets(b.flow).text().size();
    if (instance_in_parameters(b) == std::string_view::npos) size += b.instance.size();
  }
  Ptr block(::new (::operator new(sizeof(Block) + size)) Block);
  block->hash_ = hash;
  block->size_ = static_cast<std::uint32_t>(size);
  block->aor_size_ = static_cast<std::uint16_t>(aor.size());
  block->count_ = static_cast<std::uint16_t>(bindings.size());
  char* to = block->octets();
  const auto add = [&to](std::string_view text) { to = std::copy(text.begin(), text.end(), to); };
  const auto length = [](std::string_view text) { return static_cast<std::uint16_t>(text.size()); };
  add(aor);
  for (const BindingView& b : bindings) {
    const FlowOctets flow(b.flow);
    const std::size_t inside = instance_in_parameters(b);
    const std::size_t texts =
        b.contact.size() + b.contact_parameters.size() + b.call_id.size() + b.path.size() + flow.text().size();
    const std::size_t instance_at = inside == std::string_view::npos ? texts : b.contact.size() + inside;
    const Head head{.id = b.id,
                    .expires = b.expires,
                    .updated = b.updated,
                    .agent = b.agent,
                    .cseq = b.cseq,
                    .version = b.version,
                    .methods = b.methods,
                    .reg_id = b.reg_id,
                    .q = b.q,
                    .contact = length(b.contact),
                    .parameters = length(b.contact_parameters),
                    .call_id = length(b.call_id),
                    .path = length(b.path),
                    .instance_at = static_cast<std::uint16_t>(instance_at),
                    .instance = length(b.instance),
                    .flow = static_cast<std::uint8_t>(flow.text().size()),
                    .natted = b.natted};
    std::memcpy(to, &head, sizeof head);
    to += sizeof head;
    for (const std::string_view text : {b.contact, b.contact_parameters, b.call_id, b.path, flow.text()}) add(text);
    if (inside == std::string_view::npos) add(b.instance);
  }
  return block;
}

Block::Head Block::head(Position at) const {
  Head head;
  std::memcpy(&head, octets() + at, sizeof head);
  return head;
}

Block::Position Block::after(Position at) const {
  return at + static_cast<Position>(sizeof(Head)) + head(at).texts();
}

TimePoint Block::expires(Position at) const {
  return head(at).expires;
}

BindingView Block::at(Position at) const {
  const Head h = head(at);
  const char* const first = octets() + at + sizeof(Head);
  const char* next = first;
  const auto text = [&next](std::size_t size) { return std::string_view(std::exchange(next, next + size), size); };
  BindingView view;
  view.id = h.id;
  view.version = h.version;
  view.cseq = h.cseq;
  view.methods = h.methods;
  view.reg_id = h.reg_id;
  view.q = h.q;
  view.natted = h.natted != 0;
  view.expires = h.expires;
  view.updated = h.updated;
  view.contact = text(h.contact);
  view.contact_parameters = text(h.parameters);
  view.call_id = text(h.call_id);
  view.path = text(h.path);
  view.flow = FlowOctets::decode(text(h.flow)).value_or(net::Flow{});
  view.instance = {first + h.instance_at, h.instance};
  view.user_agent = Agents::text_of(h.agent);
  view.agent = h.agent;
  return view;
}

bool Block::same_but_time(Position at, const BindingView& wanted) const {
  const Head h = head(at);
  if (h.contact != wanted.contact.size() || h.parameters != wanted.contact_parameters.size() ||
      h.call_id != wanted.call_id.size() || h.path != wanted.path.size() || h.instance != wanted.instance.size() ||
      h.methods != wanted.methods || h.reg_id != wanted.reg_id || h.q != wanted.q || (h.natted != 0) != wanted.natted)
    return false;
  const FlowOctets flow(wanted.flow);
  const char* const first = octets() + at + sizeof(Head);
  const char* next = first;
  for (const std::string_view text :
       {wanted.contact, wanted.contact_parameters, wanted.call_id, wanted.path, flow.text()}) {
    if (!text.empty() && std::memcmp(next, text.data(), text.size()) != 0) return false;
    next += text.size();
  }
  return h.flow == flow.text().size() && std::string_view(first + h.instance_at, h.instance) == wanted.instance &&
         Agents::text_of(h.agent) == wanted.user_agent;
}

Block::Stamp Block::stamp(Position at) const {
  const Head h = head(at);
  return {h.id, h.version, h.cseq};
}

Block::Stamp Block::refresh(Position at, std::uint32_t cseq, TimePoint expires, TimePoint updated) {
  Head h = head(at);
  h.cseq = cseq;
  h.expires = expires;
  h.updated = updated;
  ++h.version;
  std::memcpy(octets() + at, &h, sizeof h);
  return {h.id, h.version, h.cseq};
}

}  // namespace bellhop::location
