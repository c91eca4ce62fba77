#include "location/listing.hpp"

#include <algorithm>

namespace bellhop::location {

void Listing::assign(const Block& block, TimePoint now, AgentTexts agents) {
  block.copy_to(copy_, room_);
  bindings_.clear();
  agents_.clear();
  for (Block::Position at = copy_->begin(); at != copy_->end(); at = copy_->after(at)) {
    if (copy_->expires(at) <= now) continue;
    BindingView& view = bindings_.emplace_back(copy_->at(at));
    view.agent = nullptr;
    if (agents == AgentTexts::left_out) view.user_agent = {};
    agents_ += view.user_agent;
  }
  std::string_view copied = agents_;
  for (BindingView& view : bindings_) {
    view.user_agent = copied.substr(0, view.user_agent.size());
    copied.remove_prefix(view.user_agent.size());
  }
  if (bindings_.size() > 1) std::ranges::sort(bindings_, before<BindingView>);
}

void Listing::refer_to(const BindingView& only) {
  bindings_.assign(1, only);
  bindings_.front().user_agent = {};
}

}  // namespace bellhop::location
