#include <ares.h>
#include <netdb.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include "base/random.hpp"
#include "net/answer_cache.hpp"
#include "net/clock.hpp"
#include "net/dns_answer.hpp"
#include "net/kernel_socket.hpp"
#include "net/resolver.hpp"

namespace bellhop::net {

namespace {

/// A time to live of 0 still serves the calls of one second; nothing is believed for more than a day.
constexpr Duration shortest_ttl = seconds(1), longest_ttl = hours(24);
/// A failing server is asked again soon (RFC 2308 section 7), but not by every call.
constexpr Duration failure_ttl = seconds(5);
/// The hosts file is small and says nothing about times.
constexpr Duration hosts_ttl = seconds(5);

constexpr int class_internet = 1;

/// c-ares on a thread of its own: questions come through a queue, sockets are watched by an epoll.
class DnsResolver final : public Resolver {
 public:
  explicit DnsResolver(const DnsSettings& settings);
  ~DnsResolver() override;

  AnswerPtr cached(RecordType type, std::string_view name, TimePoint now) override;
  void ask(RecordType type, std::string_view name, Asker& asker, std::uint64_t key, TimePoint now) override;

 private:
  struct Waiter {
    Asker* asker;
    std::uint64_t key;
  };
  struct Asked {
    Question question;
    Waiter waiter;
  };
  struct Pending;
  /// One DNS query of a question; addresses take two.
  struct Part {
    Pending* pending = nullptr;
    DnsType type = DnsType::a;
    DnsAnswer answer{};
  };
  /// One question under way and all who asked it.
  struct Pending {
    DnsResolver* resolver;
    Question question;
    std::vector<Waiter> waiters;
    std::array<Part, 2> parts{};
    std::size_t unanswered = 0;
  };
  struct Before {
    bool operator()(const Question& a, const Question& b) const {
      return a.type != b.type ? a.type < b.type : a.name < b.name;
    }
  };

  void open_channel();
  void run();
  void wait();
  void start(Asked asked);
  void query(Pending& pending);
  void finish(Pending& pending);
  [[nodiscard]] std::vector<IpAddress> from_hosts_file(const std::string& name);
  void signal() const;
  static void on_socket_state(void* resolver, ares_socket_t socket, int readable, int writable);
  static void on_answer(void* part, int status, int timeouts, unsigned char* octets, int size);

  const DnsSettings settings_;
  AnswerCache cache_;
  std::mutex mutex_;
  std::vector<Asked> questions_;  ///< guarded by mutex_
  std::atomic<bool> stopping_{false};
  // The thread's own:
  ares_channel channel_ = nullptr;
  Descriptor epoll_, event_;
  std::map<Question, std::unique_ptr<Pending>, Before> pending_;
  std::thread thread_;
};

DnsResolver::DnsResolver(const DnsSettings& settings)
    : settings_(settings),
      cache_(settings.cache_entries, Random::seed_from_system()),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      event_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  event.data.fd = event_.get();
  if (!epoll_.valid() || ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, event_.get(), &event) != 0) {
    throw std::runtime_error("the resolver has no epoll");
  }
  open_channel();
  thread_ = std::thread([this] { run(); });
}

DnsResolver::~DnsResolver() {
  stopping_.store(true);
  signal();
  thread_.join();
  ares_destroy(channel_);
}

void DnsResolver::open_channel() {
  ares_options options{};
  char dns_only[] = "b";
  options.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES;
  options.timeout = static_cast<int>(std::max<std::int64_t>(settings_.timeout / milliseconds(1), 1));
  options.tries = settings_.tries;
  options.ndomains = 0;
  options.lookups = dns_only;
  options.sock_state_cb = &DnsResolver::on_socket_state;
  options.sock_state_cb_data = this;
  const int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_DOMAINS | ARES_OPT_LOOKUPS |
                   ARES_OPT_SOCK_STATE_CB;
  if (const int status = ares_init_options(&channel_, &options, mask); status != ARES_SUCCESS) {
    throw std::runtime_error(std::string("c-ares: ") + ares_strerror(status));
  }
  std::vector<ares_addr_port_node> nodes(settings_.servers.size());
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const Endpoint& server = settings_.servers[i];
    nodes[i].next = i + 1 < nodes.size() ? &nodes[i + 1] : nullptr;
    nodes[i].family = server.address.is_v6() ? AF_INET6 : AF_INET;
    std::memcpy(&nodes[i].addr, server.address.octets().data(), server.address.is_v6() ? 16 : 4);
    nodes[i].udp_port = nodes[i].tcp_port = server.port;
  }
  if (!nodes.empty()) ares_set_servers_ports(channel_, nodes.data());
}

AnswerPtr DnsResolver::cached(RecordType type, std::string_view name, TimePoint now) {
  const HostKey key(name);
  return key.valid() ? cache_.find(type, key.view(), now) : answer_without_dns(type, name);
}

void DnsResolver::ask(RecordType type, std::string_view name, Asker& asker, std::uint64_t key, TimePoint /*now*/) {
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    first = questions_.empty();
    questions_.push_back({{type, std::string(name)}, {&asker, key}});
  }
  if (first) signal();
}

void DnsResolver::signal() const {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(event_.get(), &one, sizeof one);
}

void DnsResolver::run() {
  std::vector<Asked> batch;
  while (!stopping_.load()) {
    batch.clear();
    {
      const std::lock_guard lock(mutex_);
      std::swap(batch, questions_);
    }
    for (Asked& asked : batch) start(std::move(asked));
    wait();
  }
}

void DnsResolver::wait() {
  timeval limit{};
  const timeval* due = ares_timeout(channel_, nullptr, &limit);
  const int timeout = due == nullptr ? -1 : static_cast<int>(due->tv_sec * 1000 + (due->tv_usec + 999) / 1000);
  epoll_event events[16];
  const int ready = ::epoll_wait(epoll_.get(), events, static_cast<int>(std::size(events)), timeout);
  for (int i = 0; i < ready; ++i) {
    if (events[i].data.fd == event_.get()) continue;
    const bool writable = (events[i].events & EPOLLOUT) != 0, readable = (events[i].events & ~EPOLLOUT) != 0;
    ares_process_fd(channel_, readable ? events[i].data.fd : ARES_SOCKET_BAD,
                    writable ? events[i].data.fd : ARES_SOCKET_BAD);
  }
  ares_process_fd(channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);  // time-outs
}

void DnsResolver::on_socket_state(void* resolver, ares_socket_t socket, int readable, int writable) {
  const int epoll = static_cast<DnsResolver*>(resolver)->epoll_.get();
  epoll_event event{};
  event.events = (readable != 0 ? EPOLLIN : 0u) | (writable != 0 ? EPOLLOUT : 0u);
  event.data.fd = socket;
  if (event.events == 0) {
    ::epoll_ctl(epoll, EPOLL_CTL_DEL, socket, nullptr);
  } else if (::epoll_ctl(epoll, EPOLL_CTL_MOD, socket, &event) != 0) {
    ::epoll_ctl(epoll, EPOLL_CTL_ADD, socket, &event);
  }
}

void DnsResolver::start(Asked asked) {
  const Waiter waiter = asked.waiter;
  Question& question = asked.question;
  if (AnswerPtr ready = cached(question.type, question.name, clock_now())) {  // answered since, or needs no DNS
    waiter.asker->on_answer(waiter.key, std::move(ready));
    return;
  }
  question.name = HostKey(question.name).view();
  if (const auto found = pending_.find(question); found != pending_.end()) {
    found->second->waiters.push_back(waiter);
    return;
  }
  if (pending_.size() >= settings_.in_flight) {
    auto refused = std::make_shared<Answer>();
    refused->question = std::move(question);
    refused->valid_until = clock_now();
    waiter.asker->on_answer(waiter.key, std::move(refused));
    return;
  }
  auto made = std::make_unique<Pending>(Pending{this, question, {waiter}});
  Pending& pending = *made;
  pending_.emplace(std::move(question), std::move(made));
  query(pending);
}

void DnsResolver::query(Pending& pending) {
  const auto type = pending.question.type;
  if (type == RecordType::address && settings_.hosts_file) {
    if (auto addresses = from_hosts_file(pending.question.name); !addresses.empty()) {
      pending.parts[0].answer = {Answer::Outcome::found, std::move(addresses), {}, {}, hosts_ttl};
      return finish(pending);
    }
  }
  pending.parts[0].type = type == RecordType::address ? DnsType::a
                          : type == RecordType::srv   ? DnsType::srv
                                                      : DnsType::naptr;
  pending.parts[1].type = DnsType::aaaa;
  const std::size_t parts = pending.unanswered = type == RecordType::address ? 2 : 1;
  for (std::size_t i = 0; i < parts; ++i) {  // the last answer, which may come at once, ends `pending`
    Part& part = pending.parts[i];
    part.pending = &pending;
    ares_query(channel_, pending.question.name.c_str(), class_internet, static_cast<int>(part.type),
               &DnsResolver::on_answer, &part);
  }
}

void DnsResolver::on_answer(void* argument, int status, int /*timeouts*/, unsigned char* octets, int size) {
  if (status == ARES_EDESTRUCTION) return;
  Part& part = *static_cast<Part*>(argument);
  Pending& pending = *part.pending;
  if (octets != nullptr && size > 0) {
    const std::string_view message(reinterpret_cast<const char*>(octets), static_cast<std::size_t>(size));
    if (auto answer = parse_dns_answer(message, pending.question.name, part.type)) part.answer = std::move(*answer);
  } else if (status == ARES_ENOTFOUND || status == ARES_EBADNAME) {  // what c-ares does not even ask
    part.answer.outcome = Answer::Outcome::absent;
  }
  if (--pending.unanswered == 0) pending.resolver->finish(pending);
}

std::vector<IpAddress> DnsResolver::from_hosts_file(const std::string& name) {
  std::vector<IpAddress> addresses;
  for (const int family : {AF_INET, AF_INET6}) {
    hostent* host = nullptr;
    if (ares_gethostbyname_file(channel_, name.c_str(), family, &host) != ARES_SUCCESS) continue;
    for (char** entry = host->h_addr_list; *entry != nullptr; ++entry) {
      std::array<std::uint8_t, 16> octets{};
      std::memcpy(octets.data(), *entry,
                  std::min<std::size_t>(static_cast<std::size_t>(host->h_length), octets.size()));
      addresses.push_back(host->h_addrtype == AF_INET6 ? IpAddress::v6(octets)
                                                       : IpAddress::v4({octets[0], octets[1], octets[2], octets[3]}));
    }
    ares_free_hostent(host);
  }
  return addresses;
}

/// A before AAAA, each in the server's order, no address twice. Found beats failed beats absent, and how long to
/// believe it is said by those that say the same.
DnsAnswer both(const DnsAnswer& v4, const DnsAnswer& v6) {
  DnsAnswer merged;
  for (const auto* part : {&v4, &v6})
    for (const IpAddress& address : part->addresses)
      if (std::find(merged.addresses.begin(), merged.addresses.end(), address) == merged.addresses.end())
        merged.addresses.push_back(address);
  const auto weight = [](const DnsAnswer& answer) {
    return answer.outcome == Answer::Outcome::found ? 2 : answer.outcome == Answer::Outcome::failed ? 1 : 0;
  };
  const DnsAnswer& decisive = weight(v6) > weight(v4) ? v6 : v4;
  merged.outcome = decisive.outcome;
  merged.ttl = decisive.ttl;
  if (v4.outcome == v6.outcome)
    merged.ttl = v4.ttl && v6.ttl ? std::optional(std::min(*v4.ttl, *v6.ttl)) : std::nullopt;
  return merged;
}

void DnsResolver::finish(Pending& pending) {
  DnsAnswer said = std::move(pending.parts[0].answer);
  if (pending.parts[1].pending != nullptr) said = both(said, pending.parts[1].answer);
  auto answer = std::make_shared<Answer>();
  answer->question = pending.question;
  answer->outcome = said.outcome;
  answer->addresses = std::move(said.addresses);
  answer->services = std::move(said.services);
  answer->pointers = std::move(said.pointers);
  Duration valid = std::min(said.ttl.value_or(failure_ttl), longest_ttl);
  if (!answer->found()) valid = std::min(valid, settings_.negative_ttl);
  answer->valid_until = clock_now() + std::max(valid, shortest_ttl);
  cache_.store(answer);
  const auto node = pending_.extract(pending.question);  // kept alive while its waiters are told
  for (const Waiter& waiter : pending.waiters) waiter.asker->on_answer(waiter.key, answer);
}

}  // namespace

std::unique_ptr<Resolver> make_dns_resolver(const DnsSettings& settings) {
  return std::make_unique<DnsResolver>(settings);
}

}  // namespace bellhop::net
