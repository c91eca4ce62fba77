#include "location/matching.hpp"

#include <algorithm>
#include <array>

#include "sip/uri.hpp"

namespace bellhop::location {

namespace {

/// No repeat of a request over UDP comes later than 64*T1 (RFC 3261 section 17.1.2.2).
constexpr Duration repeat_window = seconds(32);

enum class Order : std::uint8_t { newer, repeat, older };

Order order_of(const Binding& request, const BindingView& stored, TimePoint now) {
  const bool by_operator = request.call_id.empty();
  if (by_operator || request.call_id != stored.call_id || request.cseq > stored.cseq) return Order::newer;
  if (request.cseq == stored.cseq && stored.updated >= now - repeat_window) return Order::repeat;
  return Order::older;
}

bool same_uri(const std::string& contact, const Result<sip::Uri, sip::UriError>& uri, std::string_view stored) {
  if (contact == stored) return true;
  const auto other = sip::parse_uri(stored);
  return uri && other && sip::equivalent(*uri, *other);
}

bool too_long(const Binding& b) {
  const std::array texts{&b.contact, &b.contact_parameters, &b.call_id, &b.instance, &b.path};
  return std::ranges::any_of(texts, [](const std::string* text) { return text->size() > longest_text; });
}

void replace(Draft& draft, const Binding& binding) {
  const BindingView old = draft.view;
  draft.view = view_of(binding);
  draft.view.id = old.id;
  draft.view.version = old.version + 1;
  if (draft.fate == Draft::Fate::kept) draft.fate = Draft::Fate::changed;
}

Result<void, UpdateError> put(std::vector<Draft>& drafts, const Binding& binding, TimePoint now) {
  if (too_long(binding)) return failure(UpdateError::too_long);
  Draft* draft = match(drafts, binding);
  if (draft == nullptr) {
    drafts.push_back({view_of(binding), Draft::Fate::added, true});
    return {};
  }
  const Order order = draft->named ? Order::newer : order_of(binding, draft->view, now);
  if (order == Order::older || (order == Order::repeat && draft->view.contact != binding.contact))
    return failure(UpdateError::out_of_order);
  draft->named = true;
  if (order == Order::newer) replace(*draft, binding);
  return {};
}

Result<void, UpdateError> remove(std::vector<Draft>& drafts, const Binding& binding, TimePoint now) {
  Draft* draft = match(drafts, binding);
  if (draft == nullptr) return {};
  if (!draft->named && order_of(binding, draft->view, now) != Order::newer) return failure(UpdateError::out_of_order);
  if (draft->fate == Draft::Fate::added)
    drafts.erase(drafts.begin() + (draft - drafts.data()));
  else
    draft->fate = Draft::Fate::removed;
  return {};
}

}  // namespace

Draft* match(std::vector<Draft>& drafts, const Binding& contact) {
  const auto uri = sip::parse_uri(contact.contact);
  Draft* by_instance = nullptr;
  Draft* by_uri = nullptr;
  for (Draft& draft : drafts) {
    if (draft.fate == Draft::Fate::removed) continue;
    const BindingView& stored = draft.view;
    const bool comparable = contact.instance.empty() || stored.instance.empty() ||
                            (contact.instance == stored.instance && contact.reg_id == stored.reg_id);
    if (!comparable) continue;
    const bool instance = !contact.instance.empty() && !stored.instance.empty();
    if (same_uri(contact.contact, uri, stored.contact)) {
      if (instance || contact.instance == stored.instance) return &draft;
      if (by_uri == nullptr) by_uri = &draft;
    } else if (instance && !draft.named && by_instance == nullptr) {
      by_instance = &draft;
    }
  }
  return by_instance != nullptr ? by_instance : by_uri;
}

Result<void, UpdateError> apply(std::vector<Draft>& drafts, std::span<const Change> changes, const UpdateLimits& limits,
                                TimePoint now) {
  for (const Change& change : changes) {
    const auto done =
        change.kind == Change::Kind::put ? put(drafts, change.binding, now) : remove(drafts, change.binding, now);
    if (!done) return done;
  }
  std::size_t standing = 0, added = 0;
  for (const Draft& draft : drafts) {
    if (draft.fate != Draft::Fate::removed) ++standing;
    if (draft.fate == Draft::Fate::added) ++added;
  }
  if (added > 0 && standing > limits.max_contacts) return failure(UpdateError::too_many_contacts);
  return {};
}

}  // namespace bellhop::location
