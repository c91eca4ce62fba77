#include "location/listing.hpp"

#include <algorithm>

namespace bellhop::location {

void Listing::assign(const Block& block, TimePoint now) {
  block.copy_to(copy_, room_);
  bindings_.clear();
  for (Block::Position at = copy_->begin(); at != copy_->end(); at = copy_->after(at)) {
    if (copy_->expires(at) <= now) continue;
    BindingView& view = bindings_.emplace_back(copy_->at(at));
    view.user_agent = {};
    view.agent = nullptr;
  }
  if (bindings_.size() > 1) std::ranges::sort(bindings_, before<BindingView>);
}

void Listing::refer_to(const BindingView& only) {
  bindings_.assign(1, only);
  bindings_.front().user_agent = {};
}

}  // namespace bellhop::location
