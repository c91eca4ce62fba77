#include <gmock/gmock.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "net/clock.hpp"
#include "net/kernel_socket.hpp"
#include "net/resolver.hpp"

namespace bellhop::net {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

/// A DNS server in a thread, told per name what to do.
class ScriptedDns {
 public:
  struct Entry {
    std::vector<IpAddress> addresses{};
    std::uint32_t ttl = 60;
    int code = 0;  ///< 3 is NXDOMAIN, 2 SERVFAIL
    bool silent = false;
    bool forged_first = false;  ///< answers with a wrong id and with another question precede the right one
  };

  ScriptedDns() : socket_(::socket(AF_INET, SOCK_DGRAM, 0)), stop_(::eventfd(0, 0)) {
    EXPECT_TRUE(bind_to(socket_, *Endpoint::parse("127.0.0.1:0")));
    thread_ = std::thread([this] { serve(); });
  }
  ~ScriptedDns() {
    const std::uint64_t one = 1;
    EXPECT_EQ(::write(stop_.get(), &one, sizeof one), static_cast<ssize_t>(sizeof one));
    thread_.join();
  }
  [[nodiscard]] Endpoint at() const { return local_endpoint_of(socket_); }
  void set(const std::string& name, Entry entry) {
    const std::lock_guard lock(mutex_);
    entries_[name] = std::move(entry);
  }
  /// Questions of type A heard for this name.
  int asked(const std::string& name) {
    const std::lock_guard lock(mutex_);
    return asked_[name];
  }

 private:
  static constexpr std::uint16_t type_a = 1, type_aaaa = 28;

  static void put16(std::string& out, std::size_t v) {
    out += static_cast<char>(v >> 8);
    out += static_cast<char>(v);
  }
  static std::string name_in(std::string_view question) {
    std::string name;
    for (std::size_t i = 0; i < question.size() && question[i] != 0;) {
      const auto length = static_cast<std::size_t>(question[i]);
      if (!name.empty()) name += '.';
      name += question.substr(i + 1, length);
      i += 1 + length;
    }
    return name;
  }
  static std::string reply(std::string_view id, std::string_view question, const Entry& entry) {
    const bool v6 = static_cast<std::uint8_t>(question[question.size() - 3]) == type_aaaa;
    std::string records;
    std::size_t count = 0;
    for (const IpAddress& address : entry.addresses) {
      if (address.is_v6() != v6) continue;
      ++count;
      put16(records, 0xc00c);
      put16(records, v6 ? type_aaaa : type_a);
      put16(records, 1);
      put16(records, entry.ttl >> 16);
      put16(records, entry.ttl & 0xffff);
      put16(records, v6 ? 16 : 4);
      records.append(reinterpret_cast<const char*>(address.octets().data()), v6 ? 16 : 4);
    }
    std::string out(id);
    put16(out, 0x8180u | static_cast<unsigned>(entry.code));
    put16(out, 1);
    put16(out, count);
    put16(out, 0);
    put16(out, 0);
    return out.append(question) + records;
  }

  void serve() {
    for (;;) {
      pollfd fds[2] = {{socket_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}};
      ::poll(fds, 2, -1);
      if (fds[1].revents != 0) return;
      char buffer[512];
      KernelAddress from{};
      socklen_t length = sizeof from;
      const ssize_t size = ::recvfrom(socket_.get(), buffer, sizeof buffer, 0, &from.any, &length);
      if (size > 16) answer({buffer, static_cast<std::size_t>(size)}, from, length);
    }
  }

  void answer(std::string_view packet, const KernelAddress& to, socklen_t length) {
    const std::string_view question = packet.substr(12);
    const std::string name = name_in(question);
    Entry entry;
    {
      const std::lock_guard lock(mutex_);
      if (static_cast<std::uint8_t>(question[question.size() - 3]) == type_a) ++asked_[name];
      const auto found = entries_.find(name);
      if (found == entries_.end()) {
        entry.code = 3;
      } else {
        entry = found->second;
      }
    }
    if (entry.silent) return;
    const auto send = [&](const std::string& text) {
      EXPECT_GT(::sendto(socket_.get(), text.data(), text.size(), 0, &to.any, length), 0);
    };
    if (entry.forged_first) {
      Entry forged{.addresses = {IpAddress::v4({6, 6, 6, 6}), *IpAddress::parse("2001:db8::666")}};
      std::string id(packet.substr(0, 2));
      id[0] = static_cast<char>(id[0] ^ 0x55);
      send(reply(id, question, forged));
      std::string other(question);
      other[1] = other[1] == 'x' ? 'y' : 'x';
      send(reply(packet.substr(0, 2), other, forged));
    }
    send(reply(packet.substr(0, 2), question, entry));
  }

  Descriptor socket_, stop_;
  std::mutex mutex_;
  std::map<std::string, Entry> entries_;
  std::map<std::string, int> asked_;
  std::thread thread_;
};

class WaitingAsker : public Resolver::Asker {
 public:
  void on_addresses(std::uint64_t key, AddressAnswer answer) override {
    const std::lock_guard lock(mutex_);
    answers_[key].push_back(std::move(answer));
    ++count_;
    changed_.notify_all();
  }
  /// Waits until `count` answers have come in all.
  bool wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 60s, [&] { return count_ >= count; });
  }
  std::vector<AddressAnswer> answers(std::uint64_t key) {
    const std::lock_guard lock(mutex_);
    return answers_[key];
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::uint64_t, std::vector<AddressAnswer>> answers_;
  std::size_t count_ = 0;
};

class DnsResolverTest : public ::testing::Test {
 protected:
  void start() { resolver = make_dns_resolver(settings); }
  AddressAnswer look_up(const std::string& name) {
    const std::uint64_t key = ++last_key;
    resolver->ask(name, asker, key, clock_now());
    EXPECT_TRUE(asker.wait_for(last_key));
    const auto got = asker.answers(key);
    EXPECT_THAT(got, SizeIs(1));
    return got.empty() ? AddressAnswer{} : got.front();
  }

  ScriptedDns dns;
  DnsSettings settings{.servers = {dns.at()}, .timeout = 20s, .tries = 1};
  WaitingAsker asker;
  std::unique_ptr<Resolver> resolver;
  std::uint64_t last_key = 0;
};

const IpAddress v4_a = *IpAddress::parse("192.0.2.1"), v4_b = *IpAddress::parse("192.0.2.2"),
                v6_a = *IpAddress::parse("2001:db8::1");

// [KAM-19] A and AAAA are asked for, A comes first; the second look-up makes no query until the TTL is over.
TEST_F(DnsResolverTest, AnswersFromTheServerAndThenFromTheCache) {
  dns.set("sip.example.test", {.addresses = {v6_a, v4_a, v4_b}, .ttl = 300});
  start();
  AddressAnswer out;
  EXPECT_FALSE(resolver->cached("sip.example.test", clock_now(), out));
  const TimePoint before = clock_now();
  const AddressAnswer answer = look_up("SIP.example.test.");
  EXPECT_TRUE(answer.found);
  EXPECT_THAT(answer.addresses, ElementsAre(v4_a, v4_b, v6_a));
  EXPECT_GE(answer.valid_until, before + 300s);
  EXPECT_LE(answer.valid_until, clock_now() + 300s);
  ASSERT_TRUE(resolver->cached("sip.example.test", answer.valid_until - 1s, out));
  EXPECT_EQ(out.addresses, answer.addresses);
  EXPECT_FALSE(resolver->cached("sip.example.test", answer.valid_until, out));
  look_up("sip.example.test");
  EXPECT_EQ(dns.asked("sip.example.test"), 1);
}

// [KAM-19] A name that does not exist is remembered for the negative TTL, a failing server for a few seconds only.
TEST_F(DnsResolverTest, NegativeAnswersAreCached) {
  dns.set("broken.test", {.code = 2});
  start();
  const TimePoint before = clock_now();
  const AddressAnswer absent = look_up("absent.test"), broken = look_up("broken.test");
  EXPECT_FALSE(absent.found);
  EXPECT_GE(absent.valid_until, before + 30s);
  EXPECT_FALSE(broken.found);
  EXPECT_LE(broken.valid_until, clock_now() + 5s);
  AddressAnswer out;
  ASSERT_TRUE(resolver->cached("absent.test", clock_now(), out));
  EXPECT_FALSE(out.found);
  EXPECT_EQ(dns.asked("absent.test"), 1);
}

// [threats 71] Answers with a wrong id or to another question are ignored.
TEST_F(DnsResolverTest, ForgedAnswersAreIgnored) {
  dns.set("target.test", {.addresses = {v4_a}, .forged_first = true});
  start();
  EXPECT_THAT(look_up("target.test").addresses, ElementsAre(v4_a));
}

// [threats 70] A server that never answers ends in a negative answer; names served elsewhere do not wait for it.
TEST_F(DnsResolverTest, SilentServerFailsByItselfAndDelaysNobody) {
  dns.set("silent.test", {.silent = true});
  dns.set("quick.test", {.addresses = {v4_a}});
  settings.timeout = 300ms;
  start();
  resolver->ask("silent.test", asker, ++last_key, clock_now());
  resolver->ask("quick.test", asker, ++last_key, clock_now());
  ASSERT_TRUE(asker.wait_for(1));
  EXPECT_THAT(asker.answers(2), SizeIs(1)) << "the quick one is first";
  ASSERT_TRUE(asker.wait_for(2));
  EXPECT_FALSE(asker.answers(1).front().found);
}

// [KAM-19] Equal questions under way are one query, and each asker is answered once.
TEST_F(DnsResolverTest, EqualQuestionsAreMerged) {
  dns.set("slow.test", {.silent = true});
  settings.timeout = 300ms;
  start();
  for (std::uint64_t key = 1; key <= 100; ++key) resolver->ask("slow.test", asker, key, clock_now());
  ASSERT_TRUE(asker.wait_for(100));
  for (std::uint64_t key = 1; key <= 100; ++key) EXPECT_THAT(asker.answers(key), SizeIs(1));
  EXPECT_EQ(dns.asked("slow.test"), 1);
}

// [threats 70] Too many names under way: the next is refused at once, and not remembered as absent.
TEST_F(DnsResolverTest, TooManyUnderWayAreRefused) {
  for (const char* name : {"a.test", "b.test"}) dns.set(name, {.silent = true});
  dns.set("c.test", {.addresses = {v4_a}});
  settings.in_flight = 2;
  start();
  for (const char* name : {"a.test", "b.test", "c.test"}) resolver->ask(name, asker, ++last_key, clock_now());
  ASSERT_TRUE(asker.wait_for(1));
  EXPECT_THAT(asker.answers(3), SizeIs(1));
  EXPECT_FALSE(asker.answers(3).front().found);
  AddressAnswer out;
  EXPECT_FALSE(resolver->cached("c.test", clock_now(), out));
  EXPECT_EQ(dns.asked("c.test"), 0);
}

// [threats 12] Addresses and junk need no DNS.
TEST_F(DnsResolverTest, AddressesAndJunkAreAnsweredWithoutAQuery) {
  start();
  AddressAnswer out;
  ASSERT_TRUE(resolver->cached("[2001:db8::1]", clock_now(), out));
  EXPECT_THAT(out.addresses, ElementsAre(v6_a));
  ASSERT_TRUE(resolver->cached(".1", clock_now(), out));
  EXPECT_FALSE(out.found);
  EXPECT_FALSE(look_up("a b").found);
  EXPECT_EQ(dns.asked("a b"), 0);
}

// [KAM-19] A time to live of 0 is not asked for by every call of one second, and a huge one is not believed for ever.
TEST_F(DnsResolverTest, TimesToLiveAreKeptInBounds) {
  dns.set("zero.test", {.addresses = {v4_a}, .ttl = 0});
  dns.set("huge.test", {.addresses = {v4_a}, .ttl = 0x7fffffff});
  start();
  const TimePoint before = clock_now();
  EXPECT_GE(look_up("zero.test").valid_until, before + 1s);
  const TimePoint huge = look_up("huge.test").valid_until;
  EXPECT_LE(huge, clock_now() + 24h);
}

// [KAM-19] The hosts file comes first.
TEST_F(DnsResolverTest, LocalhostComesFromTheHostsFile) {
  start();
  const AddressAnswer answer = look_up("localhost");
  ASSERT_TRUE(answer.found);
  EXPECT_TRUE(answer.addresses.front().is_loopback());
  EXPECT_EQ(dns.asked("localhost"), 0);
}

// [house 5] A resolver that goes with questions under way calls nobody afterwards.
TEST_F(DnsResolverTest, DestroyedResolverCallsNobody) {
  dns.set("silent.test", {.silent = true});
  start();
  resolver->ask("silent.test", asker, 1, clock_now());
  resolver->ask("absent.test", asker, 2, clock_now());
  ASSERT_TRUE(asker.wait_for(1)) << "the first question is under way";
  resolver.reset();
  EXPECT_THAT(asker.answers(1), SizeIs(0));
}

}  // namespace
}  // namespace bellhop::net
