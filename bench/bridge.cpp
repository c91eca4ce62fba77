// Lets a generator that speaks SIP over TCP measure a server over TLS or secure WebSocket: bridge LISTEN_PORT SERVER_PORT tls|wss.
//
// Each TCP connection from 127.0.0.1:P becomes one from 127.0.0.2:P to the server, on loopback only. "127.0.0.1:P", "SIP/2.0/TCP" and
// "transport=tcp" in what passes are exchanged for others of the same length and back, so that Contact and Via are true on both sides.
// It ends with the process that started it.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

namespace {

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

sockaddr_in address(const char* host, int port) {
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_port = htons(static_cast<std::uint16_t>(port));
  inet_pton(AF_INET, host, &a.sin_addr);
  return a;
}

void exchange(std::string& text, std::string_view what, std::string_view with) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size())) text.replace(at, what.size(), with);
}

/// The first whole SIP message in `octets`; 0: none yet.
std::size_t message_size(const std::string& octets) {
  const auto end = octets.find("\r\n\r\n");
  if (end == std::string::npos) return 0;
  std::size_t length = 0;
  const auto field = octets.find("\r\nContent-Length:");
  if (field != std::string::npos && field < end) length = std::strtoul(octets.c_str() + field + 17, nullptr, 10);
  return octets.size() >= end + 4 + length ? end + 4 + length : 0;
}

struct Link {
  int plain = -1, secure = -1;
  SSL* tls = nullptr;
  bool ready = false, websocket = false, upgraded = false;
  std::string inside, outside;          ///< "127.0.0.1:P", "127.0.0.2:P"
  std::string from_plain, to_secure;    ///< not yet whole; not yet written
  std::string from_secure, to_plain;
};

class Bridge {
 public:
  Bridge(int listen_port, int server_port, bool websocket) : server_port_(server_port), websocket_(websocket) {
    context_ = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_mode(context_, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    const int one = 1;
    ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    const sockaddr_in at = address("127.0.0.1", listen_port);
    if (::bind(listener_, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0 || ::listen(listener_, 4096) != 0) fail("listen");
    epoll_ = ::epoll_create1(0);
    watch(listener_, EPOLLIN);
  }

  [[noreturn]] void run() {
    epoll_event events[256];
    for (;;) {
      const int count = ::epoll_wait(epoll_, events, 256, -1);
      for (int i = 0; i < count; ++i) {
        const int fd = events[i].data.fd;
        if (fd == listener_) {
          accept_all();
        } else if (const auto found = links_.find(fd); found != links_.end()) {
          const auto link = found->second;
          if (!serve(*link)) end(*link);
        }
      }
    }
  }

 private:
  void watch(int fd, std::uint32_t what, bool again = false) {
    epoll_event event{};
    event.events = what;
    event.data.fd = fd;
    ::epoll_ctl(epoll_, again ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event);
  }

  void accept_all() {
    for (;;) {
      sockaddr_in peer{};
      socklen_t size = sizeof peer;
      const int plain = ::accept4(listener_, reinterpret_cast<sockaddr*>(&peer), &size, SOCK_NONBLOCK);
      if (plain < 0) return;
      auto link = std::make_shared<Link>();
      const int port = ntohs(peer.sin_port), one = 1;
      link->plain = plain;
      link->secure = ::socket(AF_INET, SOCK_STREAM, 0);
      ::setsockopt(link->secure, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
      const sockaddr_in from = address("127.0.0.2", port), to = address("127.0.0.1", server_port_);
      if (::bind(link->secure, reinterpret_cast<const sockaddr*>(&from), sizeof from) != 0 ||
          ::connect(link->secure, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
        ::close(plain);
        ::close(link->secure);
        continue;
      }
      ::fcntl(link->secure, F_SETFL, O_NONBLOCK);
      for (const int fd : {link->plain, link->secure}) ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
      link->inside = "127.0.0.1:" + std::to_string(port);
      link->outside = "127.0.0.2:" + std::to_string(port);
      link->websocket = websocket_;
      link->tls = SSL_new(context_);
      SSL_set_fd(link->tls, link->secure);
      SSL_set_connect_state(link->tls);
      if (websocket_)
        link->to_secure = "GET /sip HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(server_port_) +
                          "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                          "Sec-WebSocket-Protocol: sip\r\nSec-WebSocket-Version: 13\r\nOrigin: https://127.0.0.1\r\n\r\n";
      links_[link->plain] = links_[link->secure] = link;
      watch(link->plain, EPOLLIN);
      watch(link->secure, EPOLLIN | EPOLLOUT);
    }
  }

  /// All that can be done now, both ways. False: it is over.
  bool serve(Link& link) {
    if (!link.ready) {
      const int done = SSL_do_handshake(link.tls);
      if (done != 1) return wants_more(link, done);
      link.ready = true;
    }
    char buffer[65536];
    for (;;) {
      const ssize_t got = ::read(link.plain, buffer, sizeof buffer);
      if (got == 0 || (got < 0 && errno != EAGAIN)) return false;
      if (got < 0) break;
      link.from_plain.append(buffer, static_cast<std::size_t>(got));
    }
    for (;;) {
      const int got = SSL_read(link.tls, buffer, sizeof buffer);
      if (got <= 0) {
        if (!wants_more(link, got)) return false;
        break;
      }
      link.from_secure.append(buffer, static_cast<std::size_t>(got));
    }
    to_server(link);
    from_server(link);
    while (!link.to_secure.empty()) {
      const int put = SSL_write(link.tls, link.to_secure.data(), static_cast<int>(link.to_secure.size()));
      if (put <= 0) {
        if (!wants_more(link, put)) return false;
        break;
      }
      link.to_secure.erase(0, static_cast<std::size_t>(put));
    }
    while (!link.to_plain.empty()) {
      const ssize_t put = ::write(link.plain, link.to_plain.data(), link.to_plain.size());
      if (put < 0 && errno != EAGAIN) return false;
      if (put < 0) break;
      link.to_plain.erase(0, static_cast<std::size_t>(put));
    }
    watch(link.secure, link.to_secure.empty() ? EPOLLIN : EPOLLIN | EPOLLOUT, true);
    watch(link.plain, link.to_plain.empty() ? EPOLLIN : EPOLLIN | EPOLLOUT, true);
    return true;
  }

  static bool wants_more(const Link& link, int result) {
    const int error = SSL_get_error(link.tls, result);
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
  }

  void to_server(Link& link) {
    if (link.websocket && !link.upgraded) return;
    while (const std::size_t size = message_size(link.from_plain)) {
      std::string message = link.from_plain.substr(0, size);
      link.from_plain.erase(0, size);
      exchange(message, link.inside, link.outside);
      exchange(message, "SIP/2.0/TCP", link.websocket ? "SIP/2.0/WSS" : "SIP/2.0/TLS");
      if (!link.websocket) exchange(message, "transport=tcp", "transport=tls");
      if (link.websocket) append_frame(link.to_secure, message);
      else link.to_secure += message;
    }
  }

  void from_server(Link& link) {
    if (link.websocket && !link.upgraded) {
      const auto end = link.from_secure.find("\r\n\r\n");
      if (end == std::string::npos) return;
      if (!link.from_secure.starts_with("HTTP/1.1 101")) std::fprintf(stderr, "bridge: %.80s\n", link.from_secure.c_str());
      link.from_secure.erase(0, end + 4);
      link.upgraded = true;
      to_server(link);
    }
    if (link.websocket) {
      while (take_frame(link)) {}
      return;
    }
    while (const std::size_t size = message_size(link.from_secure)) {
      pass(link, link.from_secure.substr(0, size));
      link.from_secure.erase(0, size);
    }
  }

  static void pass(Link& link, std::string message) {
    exchange(message, link.outside, link.inside);
    exchange(message, link.websocket ? "SIP/2.0/WSS" : "SIP/2.0/TLS", "SIP/2.0/TCP");
    exchange(message, "transport=tls", "transport=tcp");
    link.to_plain += message;
  }

  /// One masked text frame (RFC 6455 section 5.2); the mask is zero, which costs the server as much as any other.
  static void append_frame(std::string& out, const std::string& message) {
    out += '\x81';
    if (message.size() < 126) {
      out += static_cast<char>(0x80 | message.size());
    } else {
      out += '\xfe';
      out += static_cast<char>(message.size() >> 8);
      out += static_cast<char>(message.size());
    }
    out.append(4, '\0');
    out += message;
  }

  static bool take_frame(Link& link) {
    const std::string& in = link.from_secure;
    if (in.size() < 2) return false;
    std::size_t size = static_cast<unsigned char>(in[1]) & 0x7f, header = 2;
    if (size == 126) {
      if (in.size() < 4) return false;
      size = static_cast<std::size_t>(static_cast<unsigned char>(in[2])) << 8 | static_cast<unsigned char>(in[3]);
      header = 4;
    }
    if (in.size() < header + size) return false;
    const int kind = in[0] & 0x0f;
    if (kind == 1 || kind == 2) pass(link, in.substr(header, size));
    link.from_secure.erase(0, header + size);
    return true;
  }

  void end(Link& link) {
    links_.erase(link.plain);
    const auto keep = links_.find(link.secure)->second;
    links_.erase(link.secure);
    SSL_free(link.tls);
    ::close(link.plain);
    ::close(link.secure);
  }

  int server_port_, listener_ = -1, epoll_ = -1;
  bool websocket_;
  SSL_CTX* context_ = nullptr;
  std::unordered_map<int, std::shared_ptr<Link>> links_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  std::signal(SIGPIPE, SIG_IGN);
  // As the generator beside it, which spins on the same core and would leave it nothing.
  ::setpriority(PRIO_PROCESS, 0, -20);
  if (std::FILE* group = std::fopen("/proc/self/autogroup", "w")) {
    std::fputs("-20", group);
    std::fclose(group);
  }
  Bridge(std::atoi(argv[1]), std::atoi(argv[2]), std::string_view(argv[3]) == "wss").run();
}
