#include "net/kernel_wire.hpp"

#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "net/clock.hpp"
#include "net/kernel_datagrams.hpp"
#include "net/kernel_streams.hpp"

namespace bellhop::net {

namespace {

/// Hears the calls of a wire that has no handler yet.
class Nobody final : public WireHandler {
  void on_datagram(SocketId, const Endpoint&, std::string_view, TimePoint) override {}
  void on_unreachable(SocketId, const Endpoint&, TimePoint) override {}
  void on_accept(SocketId, StreamId, const Endpoint&, const Endpoint&, TimePoint) override {}
  void on_connected(StreamId, const Endpoint&, TimePoint) override {}
  void on_stream_data(StreamId, std::string_view, TimePoint) override {}
  void on_closed(StreamId, CloseReason, TimePoint) override {}
  void on_wake(TimePoint) override {}
  void on_turn(TimePoint) override {}
  TimePoint next_deadline() const override { return never; }
};

/// A wire has rested when it waited at least so long and found few events: fetching many takes as long by itself.
constexpr Duration shortest_rest = microseconds(10);
constexpr std::size_t most_after_rest = 4;

class EpollWire final : public KernelWire {
 public:
  explicit EpollWire(observe::Metrics& metrics)
      : datagrams_(poller_, metrics, queue_delay_),
        streams_(poller_, metrics),
        turns_(metrics.counter("net.turns")),
        wake_event_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    // Edge-triggered: each write is one event, and nothing needs to be read back.
    if (!wake_event_.valid() || !poller_.add(wake_event_, EPOLLIN | EPOLLET, {PollKind::wake, {}})) {
      throw std::system_error(errno, std::generic_category(), "eventfd");
    }
  }

  void set_handler(WireHandler& handler) override { handler_ = &handler; }

  Result<SocketId, OpenError> open_datagram(const Endpoint& local, const SocketOptions& options) override {
    return opened(datagrams_.open(next_id(), local, options));
  }
  Result<SocketId, OpenError> listen_stream(const Endpoint& local, const SocketOptions& options) override {
    return opened(streams_.listen(next_id(), local, options));
  }
  Endpoint local_endpoint(SocketId socket) const override {
    return socket < sockets_.size() ? sockets_[socket] : Endpoint{};
  }
  void close_socket(SocketId socket) override {
    datagrams_.close(socket);
    streams_.close_listener(socket);
  }
  void send_datagram(SocketId socket, const Endpoint& to, std::string_view octets) override {
    datagrams_.send(socket, to, octets, subject_);
  }
  void set_joining(bool wanted) override { datagrams_.set_joining(wanted); }
  StreamId connect(const Endpoint& remote, const std::optional<IpAddress>& local,
                   const SocketOptions& options) override {
    return streams_.connect(remote, local, options);
  }
  bool send_stream(StreamId stream, std::string_view octets, std::size_t limit) override {
    return streams_.send(stream, octets, limit);
  }
  void close(StreamId stream, Duration linger) override { streams_.close(stream, linger, now_); }
  void set_keepalive(StreamId stream, Duration interval) override { streams_.set_keepalive(stream, interval); }
  void pause(StreamId stream, bool paused) override { streams_.pause(stream, paused); }
  IpAddress source_address_for(const IpAddress& remote) override;
  TimePoint now() const override { return now_; }

  void wake() override {
    if (!woken_.exchange(true)) signal();
  }
  void stop() override {
    stopped_.store(true);
    signal();
  }
  void run() override {
    while (!stopped_.exchange(false)) turn();
  }

 private:
  [[nodiscard]] SocketId next_id() const { return static_cast<SocketId>(sockets_.size()); }
  Result<SocketId, OpenError> opened(const Result<Endpoint, OpenError>& bound);
  void signal() const;
  void turn();
  void dispatch(const epoll_event& event, bool rested);
  [[nodiscard]] TimePoint next_deadline() const;

  Nobody nobody_;
  WireHandler* handler_ = &nobody_;
  Poller poller_;
  KernelDatagrams datagrams_;
  KernelStreams streams_;
  std::vector<Endpoint> sockets_;  ///< by SocketId; ids are not used again
  observe::Counter& turns_;
  Descriptor wake_event_;
  std::atomic<bool> woken_{false}, stopped_{false};
  TimePoint now_ = clock_now(), drops_counted_ = now_;
  TimePoint ended_ = now_;  ///< the turn before
};

Result<SocketId, OpenError> EpollWire::opened(const Result<Endpoint, OpenError>& bound) {
  if (!bound) return failure(bound.error());
  const SocketId id = next_id();
  sockets_.push_back(*bound);
  return id;
}

void EpollWire::signal() const {
  const std::uint64_t one = 1;
  // Fails only when 2^64 signals are pending, and then there is an event anyway.
  [[maybe_unused]] const ssize_t written = ::write(wake_event_.get(), &one, sizeof one);
}

TimePoint EpollWire::next_deadline() const {
  if (datagrams_.busy() || streams_.busy()) return Poller::at_once;
  const TimePoint deadline = std::min(handler_->next_deadline(), streams_.next_deadline());
  return deadline <= ended_ ? Poller::at_once : deadline;
}

void EpollWire::turn() {
  const auto events = poller_.wait(next_deadline());
  now_ = clock_now();
  const bool rested = now_ - ended_ >= shortest_rest && events.size() <= most_after_rest;
  mark_.begin(now_);
  turns_.add();
  datagrams_.report(*handler_, now_);  // what the turn before found out by sending
  for (const epoll_event& event : events) dispatch(event, rested);
  if (woken_.exchange(false)) handler_->on_wake(now_);
  handler_->on_turn(now_);
  streams_.end_turn(*handler_, now_);
  datagrams_.flush();
  if (now_ - drops_counted_ >= seconds(1)) {
    drops_counted_ = now_;
    datagrams_.count_kernel_drops();
  }
  mark_.end();
  const char* caught = mark_.take_caught();
  ended_ = clock_now();
  if (const Duration lasted = ended_ - now_; lasted > longest_turn) {
    handler_->on_long_turn(lasted, caught);
    ended_ = clock_now();
  }
}

void EpollWire::dispatch(const epoll_event& event, bool rested) {
  const PollKey key = Poller::key_of(event);
  const auto socket = static_cast<SocketId>(key.id.index);
  switch (key.kind) {
    case PollKind::wake: break;  // woken_, stopped_ and the deadlines say what it was
    case PollKind::datagrams: datagrams_.on_event(socket, event.events, rested, *handler_, now_); break;
    case PollKind::listener: streams_.on_listener_event(socket, *handler_, now_); break;
    case PollKind::stream: streams_.on_stream_event(key.id, event.events, *handler_, now_); break;
  }
}

IpAddress EpollWire::source_address_for(const IpAddress& remote) {
  const Descriptor probe = make_socket(remote.is_v6(), SOCK_DGRAM, 0);
  KernelAddress address;
  const socklen_t length = to_kernel({remote, 5060}, address);
  // Connecting a UDP socket asks the routing table and sends nothing.
  if (!probe.valid() || ::connect(probe.get(), &address.any, length) != 0) return {};
  return local_endpoint_of(probe).address;
}

}  // namespace

std::unique_ptr<KernelWire> KernelWire::create(observe::Metrics& metrics) {
  return std::make_unique<EpollWire>(metrics);
}

}  // namespace bellhop::net
