#include "net/local_socket.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

namespace bellhop::net {

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t most_connections = 16;
constexpr std::size_t longest_request = 64 * 1024;
constexpr auto idle_limit = 30s;
constexpr auto send_limit = 5s;

class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool valid() const { return fd_ >= 0; }

 private:
  int fd_;
};

std::optional<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  if (path.empty() || path.size() >= sizeof address.sun_path) return std::nullopt;
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

const sockaddr* generic(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

bool send_all(int fd, std::string_view octets) {
  while (!octets.empty()) {
    const ssize_t n = ::send(fd, octets.data(), octets.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    octets.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

void limit_sending(int fd, Duration limit) {
  const timeval value{std::chrono::duration_cast<seconds>(limit).count(), limit.count() % 1'000'000};
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &value, sizeof value);
}

[[noreturn]] void fail(const std::string& path, std::string_view why) {
  throw std::runtime_error(fmt::format("control socket {}: {}", path, why));
}

/// Removes a socket nobody answers at; refuses to touch anything else.
void clear_path(const std::string& path, const sockaddr_un& address) {
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0) return;
  if (!S_ISSOCK(status.st_mode)) fail(path, "there is a file of this name that is no socket");
  const Descriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(probe.get(), generic(address), sizeof address) == 0) fail(path, "a running server has it");
  ::unlink(path.c_str());
}

Descriptor listen_at(const std::string& path) {
  const auto address = address_of(path);
  if (!address) fail(path, "the path is empty or longer than 107 characters; set [admin] socket to a shorter one");
  clear_path(path, *address);
  Descriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  // The mode of an unbound socket becomes that of its file: at no time can another user connect.
  if (!fd.valid() || ::fchmod(fd.get(), 0600) != 0 || ::bind(fd.get(), generic(*address), sizeof *address) != 0 ||
      ::chmod(path.c_str(), 0600) != 0 || ::listen(fd.get(), 16) != 0)
    fail(path, std::strerror(errno));
  return fd;
}

}  // namespace

struct LocalServer::State {
  struct Client {
    Descriptor fd;
    std::string received;
    Clock::time_point last;
  };

  std::string path;
  Answer answer;
  Descriptor listener;
  Descriptor stop{::eventfd(0, EFD_CLOEXEC)};
  std::vector<Client> clients;
  std::thread thread;

  void run() {
    std::vector<pollfd> polled;
    for (;;) {
      polled.assign({{stop.get(), POLLIN, 0}, {listener.get(), POLLIN, 0}});
      for (const Client& client : clients) polled.push_back({client.fd.get(), POLLIN, 0});
      constexpr int once_a_second = 1000;
      const int ready = ::poll(polled.data(), polled.size(), clients.empty() ? -1 : once_a_second);
      if (ready < 0 && errno != EINTR) return;
      if (ready < 0) continue;
      if (polled[0].revents != 0) return;
      const auto now = Clock::now();
      std::size_t at = 2;
      std::erase_if(clients, [&](Client& client) {
        if (polled[at++].revents != 0) return !serve(client, now);
        return now - client.last > idle_limit;
      });
      if (polled[1].revents != 0) accept(now);
    }
  }

  void accept(Clock::time_point now) {
    Descriptor fd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!fd.valid() || clients.size() >= most_connections) return;
    limit_sending(fd.get(), send_limit);
    clients.push_back({std::move(fd), {}, now});
  }

  /// False when the connection has ended.
  bool serve(Client& client, Clock::time_point now) {
    char buffer[4096];
    const ssize_t n = ::recv(client.fd.get(), buffer, sizeof buffer, MSG_DONTWAIT);
    if (n < 0) return errno == EAGAIN || errno == EINTR;
    if (n == 0) return false;
    client.last = now;
    client.received.append(buffer, static_cast<std::size_t>(n));
    for (std::size_t end; (end = client.received.find('\n')) != std::string::npos;) {
      const std::string reply = answer(std::string_view(client.received).substr(0, end)) + "\n";
      if (!send_all(client.fd.get(), reply)) return false;
      client.received.erase(0, end + 1);
    }
    return client.received.size() <= longest_request;
  }
};

LocalServer::LocalServer(std::string path, Answer answer) : state_(std::make_unique<State>()) {
  state_->path = std::move(path);
  state_->answer = std::move(answer);
  state_->listener = listen_at(state_->path);
  state_->thread = std::thread([state = state_.get()] { state->run(); });
}

LocalServer::~LocalServer() {
  const std::uint64_t one = 1;
  // An eventfd takes eight octets at once or nothing, and its counter is empty here.
  if (::write(state_->stop.get(), &one, sizeof one) == sizeof one) state_->thread.join();
  ::unlink(state_->path.c_str());
}

std::string_view text_of(LocalError error) {
  switch (error) {
    case LocalError::nobody_listens: return "no server is running there";
    case LocalError::permission: return "permission denied; use the server's own user";
    case LocalError::timed_out: return "no answer in time";
    case LocalError::broken: return "the connection broke";
  }
  return "";
}

Result<std::string, LocalError> ask_local(const std::string& path, std::string_view line, Duration timeout) {
  const auto address = address_of(path);
  if (!address) return failure(LocalError::nobody_listens);
  const Descriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(fd.get(), generic(*address), sizeof *address) != 0)
    return failure(errno == EACCES || errno == EPERM ? LocalError::permission : LocalError::nobody_listens);
  limit_sending(fd.get(), timeout);
  if (!send_all(fd.get(), std::string(line) + "\n")) return failure(LocalError::broken);
  const auto deadline = Clock::now() + timeout;
  std::string received;
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
    pollfd polled{fd.get(), POLLIN, 0};
    const int ready =
        left.count() <= 0 ? 0 : ::poll(&polled, 1, static_cast<int>(std::min<std::int64_t>(left.count(), INT32_MAX)));
    if (ready == 0) return failure(LocalError::timed_out);
    char buffer[16384];
    const ssize_t n = ready < 0 ? -1 : ::recv(fd.get(), buffer, sizeof buffer, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return failure(LocalError::broken);
    received.append(buffer, static_cast<std::size_t>(n));
    if (received.back() != '\n') continue;
    received.pop_back();
    return received;
  }
}

}  // namespace bellhop::net
