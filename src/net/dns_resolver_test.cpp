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
    std::vector<SrvRecord> services{};
    std::vector<NaptrRecord> pointers{};
    std::string alias{};        ///< all records belong to this name
    int soa_minimum = -1;       ///< seconds; negative answers then carry an SOA of one hour
    bool cut_over_udp = false;  ///< TC: the whole answer comes over TCP
  };

  ScriptedDns() : stop_(::eventfd(0, 0)) {
    EXPECT_TRUE(take_port());
    EXPECT_EQ(::listen(listener_.get(), 5), 0);
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
  /// Questions of this type heard for this name.
  int asked(const std::string& name, std::uint16_t type = type_a) {
    const std::lock_guard lock(mutex_);
    return asked_[{name, type}];
  }
  static constexpr std::uint16_t type_a = 1, type_aaaa = 28, type_srv = 33, type_naptr = 35, type_cname = 5,
                                 type_soa = 6;

 private:
  /// One port for both transports: the one that UDP got may be taken for TCP, so another is tried then.
  bool take_port() {
    for (int attempt = 0; attempt < 100; ++attempt) {
      socket_ = Descriptor(::socket(AF_INET, SOCK_DGRAM, 0));
      listener_ = Descriptor(::socket(AF_INET, SOCK_STREAM, 0));
      if (bind_to(socket_, *Endpoint::parse("127.0.0.1:0")) && bind_to(listener_, at())) return true;
    }
    return false;
  }
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
  static void put_name(std::string& out, std::string_view name) {
    while (!name.empty()) {
      const std::size_t length = std::min(name.find('.'), name.size());
      out += static_cast<char>(length);
      out += name.substr(0, length);
      name.remove_prefix(std::min(name.size(), length + 1));
    }
    out += '\0';
  }
  static void put_text(std::string& out, std::string_view text) {
    out += static_cast<char>(text.size());
    out += text;
  }
  /// Owner: the alias in full, or a pointer to the question.
  static void put_record(std::string& out, std::string_view owner, std::uint16_t type, std::uint32_t ttl,
                         const std::string& data) {
    if (owner.empty()) {
      put16(out, 0xc00c);
    } else {
      put_name(out, owner);
    }
    put16(out, type);
    put16(out, 1);
    put16(out, ttl >> 16);
    put16(out, ttl & 0xffff);
    put16(out, data.size());
    out += data;
  }
  static std::uint16_t type_of(std::string_view question) {
    return static_cast<std::uint8_t>(question[question.size() - 3]);
  }
  static std::vector<std::string> data_of(const Entry& entry, std::uint16_t type) {
    std::vector<std::string> all;
    for (const IpAddress& address : entry.addresses)
      if ((type == type_a && !address.is_v6()) || (type == type_aaaa && address.is_v6()))
        all.emplace_back(reinterpret_cast<const char*>(address.octets().data()), address.is_v6() ? 16 : 4);
    if (type == type_srv) {
      for (const SrvRecord& srv : entry.services) {
        std::string& data = all.emplace_back();
        for (const auto number : {srv.priority, srv.weight, srv.port}) put16(data, number);
        put_name(data, srv.target);
      }
    }
    if (type == type_naptr) {
      for (const NaptrRecord& naptr : entry.pointers) {
        std::string& data = all.emplace_back();
        for (const auto number : {naptr.order, naptr.preference}) put16(data, number);
        for (const auto& text : {naptr.flags, naptr.service, std::string()}) put_text(data, text);
        put_name(data, naptr.replacement);
      }
    }
    return all;
  }
  static std::string reply(std::string_view id, std::string_view question, const Entry& entry, bool cut = false) {
    const std::uint16_t type = type_of(question);
    std::string records, authority;
    std::size_t count = 0;
    const auto all = data_of(entry, type);
    if (!entry.alias.empty() && !all.empty()) {
      std::string target;
      put_name(target, entry.alias);
      put_record(records, {}, type_cname, 5, target);
      ++count;
    }
    for (const std::string& data : all) {
      put_record(records, entry.alias, type, entry.ttl, data);
      ++count;
    }
    if (count == 0 && entry.soa_minimum >= 0) {
      std::string soa;
      put_name(soa, "ns.test");
      put_name(soa, "master.test");
      for (const int number : {1, 3600, 600, 86400, entry.soa_minimum}) {
        put16(soa, static_cast<std::size_t>(number) >> 16);
        put16(soa, static_cast<std::size_t>(number) & 0xffff);
      }
      put_record(authority, "test", type_soa, 3600, soa);
    }
    std::string out(id);
    put16(out, 0x8180u | static_cast<unsigned>(entry.code) | (cut ? 0x0200u : 0u));
    put16(out, 1);
    put16(out, cut ? 0 : count);
    put16(out, cut || authority.empty() ? 0 : 1);
    put16(out, 0);
    out += question;
    return cut ? out : out + records + authority;
  }

  void serve() {
    for (;;) {
      pollfd fds[3] = {{socket_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}, {listener_.get(), POLLIN, 0}};
      ::poll(fds, 3, -1);
      if (fds[1].revents != 0) return;
      if (fds[2].revents != 0) serve_stream();
      if (fds[0].revents == 0) continue;
      char buffer[512];
      KernelAddress from{};
      socklen_t length = sizeof from;
      const ssize_t size = ::recvfrom(socket_.get(), buffer, sizeof buffer, 0, &from.any, &length);
      if (size > 16) answer({buffer, static_cast<std::size_t>(size)}, from, length);
    }
  }

  /// One question over TCP, which comes in one piece on loopback.
  void serve_stream() {
    const Descriptor stream(::accept(listener_.get(), nullptr, nullptr));
    char buffer[514];
    const ssize_t size = ::recv(stream.get(), buffer, sizeof buffer, 0);
    if (size < 18) return;
    const std::string_view packet(buffer + 2, static_cast<std::size_t>(size) - 2);
    const std::string whole = reply(packet.substr(0, 2), packet.substr(12), entry_for(packet.substr(12)));
    std::string framed;
    put16(framed, whole.size());
    framed += whole;
    EXPECT_EQ(::send(stream.get(), framed.data(), framed.size(), 0), static_cast<ssize_t>(framed.size()));
  }

  Entry entry_for(std::string_view question) {
    const std::string name = name_in(question);
    const std::lock_guard lock(mutex_);
    ++asked_[{name, type_of(question)}];
    const auto found = entries_.find(name);
    return found == entries_.end() ? Entry{.code = 3} : found->second;
  }

  void answer(std::string_view packet, const KernelAddress& to, socklen_t length) {
    const std::string_view question = packet.substr(12);
    const Entry entry = entry_for(question);
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
    send(reply(packet.substr(0, 2), question, entry, entry.cut_over_udp));
  }

  Descriptor socket_, listener_, stop_;
  std::mutex mutex_;
  std::map<std::string, Entry> entries_;
  std::map<std::pair<std::string, std::uint16_t>, int> asked_;
  std::thread thread_;
};

using Entry = ScriptedDns::Entry;

class WaitingAsker : public Resolver::Asker {
 public:
  void on_answer(std::uint64_t key, AnswerPtr answer) override {
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
  std::vector<AnswerPtr> answers(std::uint64_t key) {
    const std::lock_guard lock(mutex_);
    return answers_[key];
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::uint64_t, std::vector<AnswerPtr>> answers_;
  std::size_t count_ = 0;
};

class DnsResolverTest : public ::testing::Test {
 protected:
  void start() { resolver = make_dns_resolver(settings); }
  void ask(const std::string& name, RecordType type = RecordType::address) {
    resolver->ask(type, name, asker, ++last_key, clock_now());
  }
  AnswerPtr cached(const std::string& name, TimePoint now = clock_now(), RecordType type = RecordType::address) {
    return resolver->cached(type, name, now);
  }
  AnswerPtr look_up(const std::string& name, RecordType type = RecordType::address) {
    ask(name, type);
    EXPECT_TRUE(asker.wait_for(last_key));
    const auto got = asker.answers(last_key);
    EXPECT_THAT(got, SizeIs(1));
    return got.empty() ? std::make_shared<const Answer>() : got.front();
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
  EXPECT_EQ(cached("sip.example.test"), nullptr);
  const TimePoint before = clock_now();
  const AnswerPtr answer = look_up("SIP.example.test.");
  EXPECT_TRUE(answer->found());
  EXPECT_EQ(answer->question, (Question{RecordType::address, "sip.example.test"}));
  EXPECT_THAT(answer->addresses, ElementsAre(v4_a, v4_b, v6_a));
  EXPECT_GE(answer->valid_until, before + 300s);
  EXPECT_LE(answer->valid_until, clock_now() + 300s);
  EXPECT_EQ(cached("sip.example.test", answer->valid_until - 1s), answer);
  EXPECT_EQ(cached("sip.example.test", answer->valid_until), nullptr);
  look_up("sip.example.test");
  EXPECT_EQ(dns.asked("sip.example.test"), 1);
}

// [KAM-16] SRV records come by priority, with the time to live that c-ares' own structure has no room for.
TEST_F(DnsResolverTest, ServicesAreAnsweredInOrder) {
  const SrvRecord a{10, 5, 5060, "a.example.test"}, b{10, 60, 5062, "b.example.test"}, c{20, 0, 5060, ""};
  dns.set("_sip._udp.example.test", {.ttl = 120, .services = {c, b, a}});
  start();
  const AnswerPtr answer = look_up("_sip._udp.Example.test", RecordType::srv);
  EXPECT_THAT(answer->services, ElementsAre(a, b, c));
  EXPECT_GT(answer->valid_until, clock_now() + 110s);
  EXPECT_LE(answer->valid_until, clock_now() + 120s);
  EXPECT_EQ(cached("_sip._udp.example.test", clock_now(), RecordType::srv), answer);
  EXPECT_EQ(cached("_sip._udp.example.test"), nullptr) << "its addresses are another question";
}

// [KAM-16] NAPTR records come by order and preference.
TEST_F(DnsResolverTest, PointersAreAnsweredInOrder) {
  const NaptrRecord tls{50, 50, "s", "SIPS+D2T", "_sips._tcp.example.test"},
      tcp{90, 50, "S", "SIP+D2T", "_sip._tcp.elsewhere.test"};
  dns.set("example.test", {.pointers = {tcp, tls}});
  start();
  EXPECT_THAT(look_up("example.test", RecordType::naptr)->pointers, ElementsAre(tls, tcp));
}

// [RFC1034 3.6.2] An alias is followed inside the answer, and is not believed longer than it says.
TEST_F(DnsResolverTest, AliasesAreFollowed) {
  dns.set("www.test", {.addresses = {v4_a}, .ttl = 300, .alias = "real.test"});
  start();
  const AnswerPtr answer = look_up("www.test");
  EXPECT_THAT(answer->addresses, ElementsAre(v4_a));
  EXPECT_LE(answer->valid_until, clock_now() + 5s);
}

// [RFC1035 4.2.1] An answer too large for UDP is fetched over TCP.
TEST_F(DnsResolverTest, CutAnswersAreFetchedOverTcp) {
  Entry large{.cut_over_udp = true};
  for (std::uint16_t i = 0; i < 20; ++i)
    large.services.push_back({i, 0, 5060, "server-number-" + std::to_string(i) + ".example.test"});
  dns.set("_sip._udp.large.test", large);
  start();
  EXPECT_THAT(look_up("_sip._udp.large.test", RecordType::srv)->services, SizeIs(20));
}

// [RFC2308 5] "No such name" is believed for as long as the zone's SOA says, but not longer than we allow.
TEST_F(DnsResolverTest, AbsenceLastsAsTheZoneSays) {
  dns.set("brief.test", {.code = 3, .soa_minimum = 10});
  dns.set("long.test", {.code = 3, .soa_minimum = 3000});
  dns.set("nodata.test", {.soa_minimum = 10});
  start();
  for (const auto& [name, ttl] : {std::pair{"brief.test", 10s}, {"long.test", 30s}, {"nodata.test", 10s}}) {
    const AnswerPtr answer = look_up(name, RecordType::naptr);
    EXPECT_EQ(answer->outcome, Answer::Outcome::absent) << name;
    EXPECT_GT(answer->valid_until, clock_now() + ttl - 5s) << name;
    EXPECT_LE(answer->valid_until, clock_now() + ttl) << name;
    EXPECT_EQ(cached(name, clock_now(), RecordType::naptr), answer) << name;
  }
  EXPECT_EQ(look_up("brief.test")->outcome, Answer::Outcome::absent) << "addresses take two answers";
  EXPECT_EQ(dns.asked("brief.test", ScriptedDns::type_naptr), 1);
}

// [RFC2308 7.1] A failing server, and absence without an SOA, are remembered for a few seconds only.
TEST_F(DnsResolverTest, FailuresAreForgottenSoon) {
  dns.set("broken.test", {.code = 2});
  start();
  const AnswerPtr broken = look_up("broken.test"), absent = look_up("absent.test");
  EXPECT_EQ(broken->outcome, Answer::Outcome::failed);
  EXPECT_EQ(absent->outcome, Answer::Outcome::absent);
  for (const AnswerPtr& answer : {broken, absent}) EXPECT_LE(answer->valid_until, clock_now() + 5s);
  EXPECT_EQ(cached("absent.test"), absent);
}

// [threats 71] Answers with a wrong id or to another question are ignored.
TEST_F(DnsResolverTest, ForgedAnswersAreIgnored) {
  dns.set("target.test", {.addresses = {v4_a}, .forged_first = true});
  start();
  EXPECT_THAT(look_up("target.test")->addresses, ElementsAre(v4_a));
}

// [threats 70] A server that never answers ends in a failure; names served elsewhere do not wait for it.
TEST_F(DnsResolverTest, SilentServerFailsByItselfAndDelaysNobody) {
  dns.set("silent.test", {.silent = true});
  dns.set("quick.test", {.addresses = {v4_a}});
  settings.timeout = 300ms;
  start();
  ask("silent.test");
  ask("quick.test");
  ASSERT_TRUE(asker.wait_for(1));
  EXPECT_THAT(asker.answers(2), SizeIs(1)) << "the quick one is first";
  ASSERT_TRUE(asker.wait_for(2));
  EXPECT_EQ(asker.answers(1).front()->outcome, Answer::Outcome::failed);
}

// [KAM-19] Equal questions under way are one query, and each asker is answered once.
TEST_F(DnsResolverTest, EqualQuestionsAreMerged) {
  dns.set("slow.test", {.silent = true});
  settings.timeout = 300ms;
  start();
  for (int i = 0; i < 100; ++i) ask("slow.test");
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
  for (const char* name : {"a.test", "b.test", "c.test"}) ask(name);
  ASSERT_TRUE(asker.wait_for(1));
  ASSERT_THAT(asker.answers(3), SizeIs(1));
  EXPECT_EQ(asker.answers(3).front()->outcome, Answer::Outcome::failed);
  EXPECT_EQ(cached("c.test"), nullptr);
  EXPECT_EQ(dns.asked("c.test"), 0);
}

// [threats 12] Addresses and junk need no DNS.
TEST_F(DnsResolverTest, AddressesAndJunkAreAnsweredWithoutAQuery) {
  start();
  ASSERT_NE(cached("[2001:db8::1]"), nullptr);
  EXPECT_THAT(cached("[2001:db8::1]")->addresses, ElementsAre(v6_a));
  EXPECT_EQ(look_up("a b")->outcome, Answer::Outcome::absent);
  EXPECT_EQ(dns.asked("a b"), 0);
}

// [KAM-19] A time to live of 0 is not asked for by every call of one second, and a huge one is not believed for ever.
TEST_F(DnsResolverTest, TimesToLiveAreKeptInBounds) {
  dns.set("zero.test", {.addresses = {v4_a}, .ttl = 0});
  dns.set("huge.test", {.addresses = {v4_a}, .ttl = 0x7fffffff});
  start();
  const TimePoint before = clock_now();
  EXPECT_GE(look_up("zero.test")->valid_until, before + 1s);
  const TimePoint huge = look_up("huge.test")->valid_until;
  EXPECT_LE(huge, clock_now() + 24h);
}

// [KAM-19] The hosts file comes first.
TEST_F(DnsResolverTest, LocalhostComesFromTheHostsFile) {
  start();
  const AnswerPtr answer = look_up("localhost");
  ASSERT_TRUE(answer->found());
  EXPECT_TRUE(answer->addresses.front().is_loopback());
  EXPECT_EQ(dns.asked("localhost"), 0);
}

// [house 5] A resolver that goes with questions under way calls nobody afterwards.
TEST_F(DnsResolverTest, DestroyedResolverCallsNobody) {
  dns.set("silent.test", {.silent = true});
  start();
  ask("silent.test");
  ask("absent.test");
  ASSERT_TRUE(asker.wait_for(1)) << "the first question is under way";
  resolver.reset();
  EXPECT_THAT(asker.answers(1), SizeIs(0));
}

}  // namespace
}  // namespace bellhop::net
