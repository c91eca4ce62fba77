#include "net/answer_cache.hpp"

#include <algorithm>

#include "base/hash.hpp"
#include "base/text.hpp"

namespace bellhop::net {

namespace {

bool is_letter(char c) {
  return c >= 'a' && c <= 'z';
}
bool is_label_character(char c) {
  return is_letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

}  // namespace

HostKey::HostKey(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  if (host.empty() || host.size() > text_.size()) return;
  std::size_t label = 0;  // where the current one begins
  for (std::size_t i = 0; i < host.size(); ++i) {
    text_[i] = lower(host[i]);
    if (text_[i] == '.') {
      if (i == label) return;
      label = i + 1;
    } else if (!is_label_character(text_[i]) || i - label >= 63) {
      return;
    }
  }
  if (label == host.size() || !is_letter(text_[label])) return;
  size_ = host.size();
}

AnswerPtr answer_without_dns(RecordType type, std::string_view name) {
  auto answer = std::make_shared<Answer>();
  answer->question = {type, std::string(name)};
  answer->outcome = Answer::Outcome::absent;
  answer->valid_until = never;
  if (const auto literal = IpAddress::parse(name); literal && type == RecordType::address) {
    answer->outcome = Answer::Outcome::found;
    answer->addresses = {*literal};
  }
  return answer;
}

std::size_t AnswerCache::Hash::operator()(const Key& key) const {
  return hash64(key.name, seed + static_cast<std::uint64_t>(key.type));
}

AnswerCache::AnswerCache(std::size_t entries, std::uint64_t hash_seed)
    : hash_{hash_seed}, half_(std::max<std::size_t>(entries / (2 * stripe_count), 1)) {
  for (Stripe& stripe : stripes_) stripe.young = stripe.old = Set(0, hash_);
}

AnswerPtr AnswerCache::find(RecordType type, std::string_view name, TimePoint now) {
  const Key key{type, name};
  Stripe& stripe = stripe_of(key);
  const std::lock_guard lock(stripe.mutex);
  if (const auto found = stripe.young.find(key); found != stripe.young.end())
    return (*found)->valid_until > now ? *found : nullptr;
  const auto found = stripe.old.find(key);
  if (found == stripe.old.end() || (*found)->valid_until <= now) return nullptr;
  const AnswerPtr answer = *found;
  put(stripe, answer);
  return answer;
}

void AnswerCache::store(const AnswerPtr& answer) {
  Stripe& stripe = stripe_of(key_of(answer));
  const std::lock_guard lock(stripe.mutex);
  put(stripe, answer);
}

void AnswerCache::put(Stripe& stripe, const AnswerPtr& answer) {
  if (const auto found = stripe.young.find(answer); found != stripe.young.end()) stripe.young.erase(found);
  if (stripe.young.size() >= half_) {
    stripe.old = std::move(stripe.young);
    stripe.young = Set(0, hash_);
  }
  if (const auto found = stripe.old.find(answer); found != stripe.old.end()) stripe.old.erase(found);
  stripe.young.insert(answer);
}

std::size_t AnswerCache::size() const {
  std::size_t total = 0;
  for (const Stripe& stripe : stripes_) {
    const std::lock_guard lock(stripe.mutex);
    total += stripe.young.size() + stripe.old.size();
  }
  return total;
}

}  // namespace bellhop::net
