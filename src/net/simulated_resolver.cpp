#include <map>

#include "net/answer_cache.hpp"
#include "net/simulated_network.hpp"

namespace bellhop::net {

namespace {

constexpr Duration negative_time_to_live = seconds(30);

template <class Records>
Records records_of(const std::map<std::string, Records, std::less<>>& all, std::string_view name) {
  const auto found = all.find(name);
  return found == all.end() ? Records{} : found->second;
}

AnswerPtr answer_of(SimulatedNetwork& network, Question question) {
  auto answer = std::make_shared<Answer>();
  ++network.questions[{question.type, question.name}];
  const std::string_view name = question.name;
  const bool failing = network.failing_names.contains(name);
  if (!failing) {
    if (question.type == RecordType::address) answer->addresses = records_of(network.hosts, name);
    if (question.type == RecordType::srv) answer->services = records_of(network.services, name);
    if (question.type == RecordType::naptr) answer->pointers = records_of(network.pointers, name);
    const bool found = !answer->addresses.empty() || !answer->services.empty() || !answer->pointers.empty();
    answer->outcome = found ? Answer::Outcome::found : Answer::Outcome::absent;
  }
  const Duration ttl = failing ? Duration::zero() : answer->found() ? network.dns_ttl : negative_time_to_live;
  answer->valid_until = network.now() + ttl;
  answer->question = std::move(question);
  return answer;
}

class SimulatedResolver final : public Resolver {
 public:
  explicit SimulatedResolver(std::shared_ptr<SimulatedNetwork> network)
      : network_(std::move(network)), cache_(std::make_shared<Cache>()) {}

  AnswerPtr cached(RecordType type, std::string_view name, TimePoint now) override {
    const HostKey key(name);
    if (!key.valid()) return answer_without_dns(type, name);
    const auto found = cache_->find({type, std::string(key.view())});
    return found == cache_->end() || found->second->valid_until <= now ? nullptr : found->second;
  }

  void ask(RecordType type, std::string_view name, Asker& asker, std::uint64_t key, TimePoint now) override {
    if (AnswerPtr ready = cached(type, name, now)) {
      network_->schedule(now, [weak = std::weak_ptr(cache_), &asker, key, ready] {
        if (!weak.expired()) asker.on_answer(key, ready);
      });
      return;
    }
    network_->schedule(now + network_->dns_delay, [network = network_.get(), weak = std::weak_ptr(cache_), type,
                                                   asked = std::string(HostKey(name).view()), &asker, key] {
      const auto cache = weak.lock();
      if (!cache) return;
      const AnswerPtr answer = answer_of(*network, {type, asked});
      (*cache)[{type, asked}] = answer;
      asker.on_answer(key, answer);
    });
  }

 private:
  using Cache = std::map<std::pair<RecordType, std::string>, AnswerPtr>;
  std::shared_ptr<SimulatedNetwork> network_;
  std::shared_ptr<Cache> cache_;  ///< gone when the resolver is: questions under way notice
};

}  // namespace

std::unique_ptr<Resolver> make_simulated_resolver(std::shared_ptr<SimulatedNetwork> network) {
  return std::make_unique<SimulatedResolver>(std::move(network));
}

}  // namespace bellhop::net
