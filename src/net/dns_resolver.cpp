#include <ares.h>
#include <netdb.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <unordered_map>
#include <utility>

#include "base/random.hpp"
#include "net/address_cache.hpp"
#include "net/clock.hpp"
#include "net/kernel_socket.hpp"
#include "net/resolver.hpp"

namespace bellhop::net {

namespace {

/// A time to live of 0 still serves the calls of one second; nothing is believed for more than a day.
constexpr Duration shortest_ttl = seconds(1), longest_ttl = hours(24);
/// A failing server is asked again soon (RFC 2308 section 7), but not by every call.
constexpr Duration failure_ttl = seconds(5);

/// c-ares on a thread of its own: questions come through a queue, sockets are watched by an epoll.
class DnsResolver final : public Resolver {
 public:
  explicit DnsResolver(const DnsSettings& settings);
  ~DnsResolver() override;

  bool cached(std::string_view host, TimePoint now, AddressAnswer& out) override;
  void ask(std::string_view host, Asker& asker, std::uint64_t key, TimePoint now) override;

 private:
  struct Waiter {
    Asker* asker;
    std::uint64_t key;
  };
  struct Question {
    std::string host;
    Waiter waiter;
  };
  /// One name under way and all who asked for it.
  struct Pending {
    DnsResolver* resolver;
    std::string name;
    std::vector<Waiter> waiters;
  };

  void open_channel();
  void run();
  void wait();
  void start(Question question);
  void finish(Pending& pending, int status, const ares_addrinfo* result);
  void signal() const;
  static void on_socket_state(void* resolver, ares_socket_t socket, int readable, int writable);
  static void on_answer(void* pending, int status, int timeouts, ares_addrinfo* result);

  const DnsSettings settings_;
  AddressCache cache_;
  std::mutex mutex_;
  std::vector<Question> questions_;  ///< guarded by mutex_
  std::atomic<bool> stopping_{false};
  // The thread's own:
  ares_channel channel_ = nullptr;
  Descriptor epoll_, event_;
  std::unordered_map<std::string, std::unique_ptr<Pending>> pending_;
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
  char hosts_then_dns[] = "fb", dns_only[] = "b";
  options.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES;
  options.timeout = static_cast<int>(std::max<std::int64_t>(settings_.timeout / milliseconds(1), 1));
  options.tries = settings_.tries;
  options.ndomains = 0;
  options.lookups = settings_.hosts_file ? hosts_then_dns : dns_only;
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

bool DnsResolver::cached(std::string_view host, TimePoint now, AddressAnswer& out) {
  if (const auto literal = IpAddress::parse(host)) {
    out = {true, {*literal}, never};
    return true;
  }
  const HostKey name(host);
  if (name.valid()) return cache_.find(name.view(), now, out);
  out = {false, {}, never};
  return true;
}

void DnsResolver::ask(std::string_view host, Asker& asker, std::uint64_t key, TimePoint /*now*/) {
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    first = questions_.empty();
    questions_.push_back({std::string(host), {&asker, key}});
  }
  if (first) signal();
}

void DnsResolver::signal() const {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(event_.get(), &one, sizeof one);
}

void DnsResolver::run() {
  std::vector<Question> batch;
  while (!stopping_.load()) {
    batch.clear();
    {
      const std::lock_guard lock(mutex_);
      std::swap(batch, questions_);
    }
    for (Question& question : batch) start(std::move(question));
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

void DnsResolver::start(Question question) {
  const Waiter waiter = question.waiter;
  AddressAnswer answer;
  if (cached(question.host, clock_now(), answer)) {  // answered since, or needs no DNS
    waiter.asker->on_addresses(waiter.key, std::move(answer));
    return;
  }
  std::string name(HostKey(question.host).view());
  if (const auto found = pending_.find(name); found != pending_.end()) {
    found->second->waiters.push_back(waiter);
    return;
  }
  if (pending_.size() >= settings_.in_flight) {
    waiter.asker->on_addresses(waiter.key, {false, {}, clock_now()});
    return;
  }
  auto made = std::make_unique<Pending>(Pending{this, name, {waiter}});
  Pending* const pending = made.get();
  pending_.emplace(std::move(name), std::move(made));
  ares_addrinfo_hints hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_flags = ARES_AI_NOSORT;
  ares_getaddrinfo(channel_, pending->name.c_str(), nullptr, &hints, &DnsResolver::on_answer, pending);
}

void DnsResolver::on_answer(void* pending, int status, int /*timeouts*/, ares_addrinfo* result) {
  auto* const asked = static_cast<Pending*>(pending);
  if (status != ARES_EDESTRUCTION) asked->resolver->finish(*asked, status, result);
  if (result != nullptr) ares_freeaddrinfo(result);
}

/// A before AAAA, each in the server's order, no address twice.
std::vector<IpAddress> addresses_in(const ares_addrinfo& result, Duration& ttl) {
  std::vector<IpAddress> v4, v6;
  for (const ares_addrinfo_node* node = result.nodes; node != nullptr; node = node->ai_next) {
    KernelAddress address{};
    std::memcpy(&address, node->ai_addr, std::min<std::size_t>(node->ai_addrlen, sizeof address));
    auto& family = node->ai_family == AF_INET6 ? v6 : v4;
    const IpAddress found = from_kernel(address).address;
    if (std::find(family.begin(), family.end(), found) == family.end()) family.push_back(found);
    ttl = std::min<Duration>(ttl, seconds(node->ai_ttl));
  }
  for (const ares_addrinfo_cname* alias = result.cnames; alias != nullptr; alias = alias->next) {
    ttl = std::min<Duration>(ttl, seconds(alias->ttl));
  }
  v4.insert(v4.end(), v6.begin(), v6.end());
  return v4;
}

void DnsResolver::finish(Pending& pending, int status, const ares_addrinfo* result) {
  AddressAnswer answer;
  Duration ttl = longest_ttl;
  if (status == ARES_SUCCESS && result != nullptr) answer.addresses = addresses_in(*result, ttl);
  answer.found = !answer.addresses.empty();
  if (!answer.found) {
    const bool known = status == ARES_ENOTFOUND || status == ARES_ENODATA || status == ARES_SUCCESS;
    ttl = known ? settings_.negative_ttl : std::min(settings_.negative_ttl, failure_ttl);
  } else {
    ttl = std::max(ttl, shortest_ttl);
  }
  answer.valid_until = clock_now() + ttl;
  cache_.store(pending.name, answer);
  const auto node = pending_.extract(pending.name);  // kept alive while its waiters are told
  for (const Waiter& waiter : pending.waiters) waiter.asker->on_addresses(waiter.key, answer);
}

}  // namespace

std::unique_ptr<Resolver> make_dns_resolver(const DnsSettings& settings) {
  return std::make_unique<DnsResolver>(settings);
}

}  // namespace bellhop::net
