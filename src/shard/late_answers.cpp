#include "shard/late_answers.hpp"

#include <algorithm>

#include "base/hash.hpp"

namespace bellhop::shard {

namespace {

std::uint64_t name_of(const sip::Message& request, const net::Flow& from) {
  return hash64(request.method_text(), hash64(request.top_via().branch, hash_of(from.remote)));
}

}  // namespace

bool LateAnswers::waiting(const sip::Message& request, const net::Flow& from) const {
  return !answers_.empty() && requests_.contains(name_of(request, from));
}

void LateAnswers::add(const sip::Message& request, const net::Flow& from, const net::Flow& to, std::string_view octets,
                      TimePoint due) {
  if (answers_.size() >= limit) return;
  const std::uint64_t name = name_of(request, from);
  if (!requests_.insert(name).second) return;
  if (!answers_.empty()) due = std::max(due, answers_.back().due);  // a reload may have made the delay shorter
  answers_.push_back({due, name, to, std::string(octets)});
}

void LateAnswers::send_due(transaction::Output& output, TimePoint now) {
  while (!answers_.empty() && answers_.front().due <= now) {
    const Answer answer = std::move(answers_.front());
    answers_.pop_front();
    requests_.erase(answer.request);
    output.transmit(answer.to, answer.octets);
  }
}

}  // namespace bellhop::shard
