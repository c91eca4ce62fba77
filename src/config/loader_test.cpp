#include "config/loader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

namespace bellhop::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const std::string listener = "[[listen]]\ntransport = \"udp\"\naddress = \"127.0.0.1:5060\"\n";

/// All faults of a text, one a line; the listener above is put behind it so that each test writes only what it is
/// about.
std::string faults_of(const std::string& toml) {
  const auto result = load_text(toml + "\n" + listener, "bellhop.toml");
  if (result) return "no faults";
  std::string out;
  for (const Fault& fault : result.error()) out += fault.to_string() + "\n";
  return out;
}

SnapshotPtr load(const std::string& toml) {
  auto result = load_text(toml + "\n" + listener, "/etc/bellhop/bellhop.toml");
  if (result) return *result;
  ADD_FAILURE() << result.error().front().to_string();
  return std::make_shared<Snapshot>();
}

// [house 6] The smallest useful file loads as written in the contract.
TEST(Loader, TheMinimalFileOfTheContractLoads) {
  const auto result = load_file("config/minimal.toml");
  ASSERT_TRUE(result) << result.error().front().to_string();
  const Snapshot& s = **result;
  EXPECT_EQ(s.server.data_dir, std::filesystem::absolute("config/var").string());
  EXPECT_EQ(s.admin.socket, std::filesystem::absolute("config/var/bellhop.sock").string());
  ASSERT_THAT(s.listen, SizeIs(1));
  EXPECT_EQ(s.listen[0].address, Endpoint::parse("127.0.0.1:5060"));
  ASSERT_THAT(s.domains, SizeIs(1));
  EXPECT_EQ(s.domains[0].authenticate, Authenticate::all);
  ASSERT_THAT(s.accounts, SizeIs(1));
  EXPECT_EQ(s.accounts[0].password, "wonderland");
  EXPECT_EQ(s.accounts[0].line, 13u);
  EXPECT_EQ(s.admin.http, Endpoint::parse("127.0.0.1:8080"));
  EXPECT_TRUE(s.guard.exempt.at(0).contains(*IpAddress::parse("127.3.4.5")));
  EXPECT_THAT(s.warnings, IsEmpty());
}

// [house 2] Every example under config/ loads without fault or warning.
TEST(Loader, EveryExampleLoads) {
  std::size_t examples = 0;
  for (const auto& file : std::filesystem::directory_iterator("config")) {
    if (file.path().extension() != ".toml") continue;
    ++examples;
    const auto result = load_file(file.path().string());
    ASSERT_TRUE(result) << result.error().front().to_string();
    EXPECT_THAT((*result)->warnings, IsEmpty()) << file.path();
  }
  EXPECT_GE(examples, 4u);
}

// [house 6] An unknown key is an error with file, line, column and what would be right.
TEST(Loader, AnUnknownKeyIsToldWithItsPlaceAndTheLikelyName) {
  EXPECT_EQ(faults_of("[server]\n  wrokers = 4"),
            "bellhop.toml:2:3: unknown key 'wrokers' in [server]; did you mean 'workers'?\n");
  EXPECT_EQ(faults_of("[servr]\nworkers = 4"),
            "bellhop.toml:1:2: unknown section or key 'servr'; did you mean 'server'?\n");
  EXPECT_EQ(faults_of("[server]\nxyzzy = 4"), "bellhop.toml:2:1: unknown key 'xyzzy' in [server]\n");
}

// [house 6] A wrong type is an error with what would be right.
TEST(Loader, AWrongTypeIsToldWithWhatWouldBeRight) {
  EXPECT_EQ(
      faults_of("[server]\nworkers = \"four\""),
      "bellhop.toml:2:11: workers in [server]: \"four\" is not a whole number; possible is 0 to 256, without quotes\n");
  EXPECT_THAT(faults_of("[server]\ndata_dir = 5"), HasSubstr("5 is not a text; write it in quotes, like \"5\""));
  EXPECT_THAT(faults_of("[log]\ndump_call_packets = \"yes\""), HasSubstr("write true or false, without quotes"));
  EXPECT_THAT(faults_of("[guard]\nexempt = \"10.0.0.0/8\""), HasSubstr("is not a list; write it in brackets"));
  EXPECT_THAT(faults_of("[sip]\nt1 = 07:32:00"), HasSubstr("is no duration"));
  EXPECT_THAT(faults_of("[[sip]]\nt1 = \"1s\""), HasSubstr("write [sip] once"));
  EXPECT_THAT(faults_of("[domain]\nname = \"a.test\""), HasSubstr("write [[domain]]"));
}

// [house 6] A value out of range is an error.
TEST(Loader, AValueOutOfRangeIsToldWithTheRange) {
  EXPECT_THAT(faults_of("[server]\nworkers = 257"), HasSubstr("257 is out of range; possible is 0 to 256"));
  EXPECT_THAT(faults_of("[server]\nworkers = -1"), HasSubstr("-1 is out of range"));
  EXPECT_THAT(faults_of("[sip]\nt1 = \"1ms\""), HasSubstr("\"1ms\" is out of range; possible is 50ms to 10s"));
  EXPECT_THAT(faults_of("[sip]\nudp_limit_wan = \"1GiB\""), HasSubstr("out of range; possible is 512B to 65535B"));
  EXPECT_THAT(faults_of("[registrar]\ndefault_q = 1.5"), HasSubstr("possible is 0.0 to 1.0"));
  EXPECT_THAT(faults_of("[sip]\ntos = 256"), HasSubstr("0 to 255"));
}

// [house 6] Durations and sizes carry units.
TEST(Loader, DurationsAndSizesCarryUnits) {
  const SnapshotPtr s = load(
      "[sip]\nt1 = \"250ms\"\ntimer_b = \"1m\"\nmax_message_size = \"64KiB\"\nudp_limit_wan = \"1400B\"\n"
      "[registrar]\nmax_expires = \"1d\"");
  EXPECT_EQ(s->sip.t1, 250ms);
  EXPECT_EQ(s->sip.timer_b, 1min);
  EXPECT_EQ(s->sip.max_message_size, 65536u);
  EXPECT_EQ(s->sip.udp_limit_wan, 1400u);
  EXPECT_EQ(s->registrar.max_expires, 24h);
  EXPECT_THAT(faults_of("[sip]\nt1 = 500"), HasSubstr("500 is no duration; a duration has a unit"));
  EXPECT_THAT(faults_of("[sip]\nt1 = \"500\""), HasSubstr("is no duration"));
  EXPECT_THAT(faults_of("[sip]\nt1 = \"99999999999999999999s\""), HasSubstr("is no duration"));
  EXPECT_THAT(faults_of("[sip]\nmax_message_size = \"64KB\""), HasSubstr("is no size; a size has a unit"));
}

// [house 6] All faults are reported, in the order of the file.
TEST(Loader, AllFaultsAreReportedInTheOrderOfTheFile) {
  EXPECT_EQ(
      faults_of("[registrar]\npath = \"lasy\"\n[server]\nworkers = true\nfoo = 1"),
      "bellhop.toml:2:8: path in [registrar]: \"lasy\" is not possible here; write \"off\", \"lazy\" or \"strict\"; "
      "did you mean 'lazy'?\n"
      "bellhop.toml:4:11: workers in [server]: true is not a whole number; possible is 0 to 256, without quotes\n"
      "bellhop.toml:5:1: unknown key 'foo' in [server]\n");
}

// [house 6] A syntax error has its place too.
TEST(Loader, ASyntaxErrorHasItsPlace) {
  const std::string faults = faults_of("[server]\nworkers = = 4");
  EXPECT_THAT(faults, HasSubstr("bellhop.toml:2:"));
}

// [house 6] A file that is not there is told by name.
TEST(Loader, AMissingFileIsTold) {
  const auto result = load_file("/nonexistent/bellhop.toml");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().front().file, "/nonexistent/bellhop.toml");
  EXPECT_FALSE(load_file("/"));
}

// [CGP-24] Without a listener nothing can be heard.
TEST(Loader, AFileWithoutListenerIsRefused) {
  const auto result = load_text("[server]\nworkers = 1\n", "bellhop.toml");
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().front().message, HasSubstr("no [[listen]] section"));
}

// [KAM-13] A listener with TLS needs a certificate, one for ws does not; the files must be there and be what they
// should.
TEST(Loader, SecureListenersNeedACertificate) {
  const auto with = [](const std::string& transport, const std::string& more = {}) {
    return faults_of("[[listen]]\ntransport = \"" + transport + "\"\naddress = \"127.0.0.1:5061\"\n" + more);
  };
  EXPECT_THAT(with("tls"), HasSubstr("bellhop.toml:2:13: transport \"tls\" needs a certificate"));
  EXPECT_THAT(with("wss"), HasSubstr("bellhop.toml:2:13: transport \"wss\" needs a certificate"));
  EXPECT_EQ(with("ws"), "no faults");
  EXPECT_THAT(with("tls", "[tls]\ncertificate = \"/nonexistent/a.pem\""), HasSubstr("a certificate needs its key"));
  const std::string pair = "[tls]\ncertificate = \"/nonexistent/a.pem\"\nkey = \"/nonexistent/a.key\"\n";
  EXPECT_THAT(with("tls", pair), HasSubstr("bellhop.toml:5:15: certificate: cannot read /nonexistent/a.pem"));
  EXPECT_EQ(with("tls", pair + "self_signed = true\n"), "no faults");
  EXPECT_EQ(with("ws", pair), "no faults") << "nobody needs it";
}

// [CGP-24] A listening address is an IP address with a port.
TEST(Loader, AListeningAddressIsAnIpAddressWithAPort) {
  const auto with = [](const std::string& address) {
    return faults_of("[[listen]]\ntransport = \"tcp\"\naddress = \"" + address + "\"");
  };
  EXPECT_THAT(with("127.0.0.1"), HasSubstr("the port is missing"));
  EXPECT_THAT(with("localhost:5060"), HasSubstr("write an IP address and a port"));
  EXPECT_THAT(with("127.0.0.1:0"), HasSubstr("port 0 is not possible"));
  EXPECT_THAT(with("127.0.0.1:65536"), HasSubstr("is no address with port"));
  EXPECT_EQ(with("[::1]:5060"), "no faults");
  EXPECT_THAT(faults_of("[[listen]]\ntransport = \"tcp\""), HasSubstr("[[listen]] has no address; add address = ..."));
}

// [CGP-11] Two things of one name are refused, and the first is pointed at.
TEST(Loader, DuplicatesAreRefused) {
  const std::string domains = "[[domain]]\nname = \"a.test\"\n[[domain]]\nname = \"b.test\"\n";
  EXPECT_THAT(faults_of(domains + "aliases = [\"A.test\"]"),
              HasSubstr(":5:11: domain a.test is declared twice; the first is in line 2"));
  EXPECT_THAT(faults_of(listener), HasSubstr("listener udp 127.0.0.1:5060 is declared twice"));
  const std::string alice = "[[account]]\nuser = \"alice\"\ndomain = \"a.test\"\npassword = \"x\"\n";
  EXPECT_THAT(faults_of(domains + alice + "[[account]]\nuser = \"Alice\"\ndomain = \"a.test\"\npassword = \"y\""),
              HasSubstr("address alice@a.test is declared twice"));
  EXPECT_THAT(faults_of(domains + alice + "[[alias]]\nname = \"alice\"\ndomain = \"a.test\"\ntarget = \"bob\""),
              HasSubstr("address alice@a.test is declared twice"));
  EXPECT_EQ(faults_of(domains + alice + "[[account]]\nuser = \"alice\"\ndomain = \"b.test\"\npassword = \"y\""),
            "no faults");
}

// [CGP-11] Accounts and aliases need their domain.
TEST(Loader, AnAccountOfAnUnknownDomainIsRefused) {
  EXPECT_THAT(
      faults_of("[[domain]]\nname = \"example.test\"\n[[account]]\nuser = \"a\"\ndomain = \"exmaple.test\"\n"
                "password = \"x\""),
      HasSubstr(":5:10: there is no [[domain]] with the name \"exmaple.test\"; add it; did you mean 'example.test'?"));
  EXPECT_THAT(faults_of("[[alias]]\nname = \"a\"\ndomain = \"b.test\"\ntarget = \"c\""),
              HasSubstr("there is no [[domain]]"));
}

// [REG-04] min <= default <= max.
TEST(Loader, ExpiresLimitsMustBeInOrder) {
  EXPECT_THAT(faults_of("[registrar]\nmin_expires = \"30m\"\ndefault_expires = \"10m\""),
              HasSubstr(":2:15: registrar.min_expires (30m) is longer than registrar.default_expires (10m)"));
  EXPECT_THAT(faults_of("[registrar]\nmax_expires = \"10m\""),
              HasSubstr("registrar.default_expires (1h) is longer than"));
}

// [house 6] The console is for loopback only until it has a password.
TEST(Loader, AConsoleThatIsReachableFromOutsideIsRefused) {
  EXPECT_THAT(faults_of("[admin]\nhttp = \"0.0.0.0:8080\""), HasSubstr("loopback only, like \"127.0.0.1:8080\""));
  EXPECT_EQ(faults_of("[admin]\nhttp = \"[::1]:8080\""), "no faults");
}

// [threats 31] A password is never repeated in a message.
TEST(Loader, APasswordIsNeverRepeatedInAMessage) {
  EXPECT_THAT(faults_of("[[domain]]\nname=\"a.test\"\n[[account]]\nuser=\"a\"\ndomain=\"a.test\"\npassword = 4711"),
              ::testing::Not(HasSubstr("4711")));
  EXPECT_THAT(
      faults_of("[[domain]]\nname=\"a.test\"\n[[account]]\nuser=\"a\"\ndomain=\"a.test\"\npassword = \"geheim\\n\""),
      ::testing::AllOf(::testing::Not(HasSubstr("geheim")), HasSubstr("password in [[account]]")));
}

// [CGP-21] One level for all tags, others for single tags whatever their order in the file.
TEST(Loader, LevelsOfSingleTagsRefineTheCommonLevel) {
  const SnapshotPtr s = load("[log]\nlevels = { SIPS = \"low-level\" }\nlevel = \"major\"");
  EXPECT_EQ(s->log.levels[static_cast<std::size_t>(observe::Tag::sip_server)], observe::Level::low_level);
  EXPECT_EQ(s->log.levels[static_cast<std::size_t>(observe::Tag::sip_client)], observe::Level::major);
  EXPECT_THAT(faults_of("[log]\nlevel = \"mayor\""), HasSubstr("did you mean 'major'?"));
  EXPECT_THAT(faults_of("[log.levels]\nSIPZ = \"major\""), HasSubstr("'SIPZ' is no log tag"));
}

// [CGP-51] What is allowed but dangerous is a warning.
TEST(Loader, WhatIsAllowedButDangerousIsAWarning) {
  EXPECT_THAT(load("[sip]\nrelay = \"anybody\"\ntimer_c = \"2m\"")->warnings,
              ElementsAre(HasSubstr("bellhop.toml:3:11: warning: sip.timer_c"), HasSubstr("open relay")));
}

// [RFC5922 7.1] A peer that nobody asks for its certificate cannot show it: a warning
TEST(Loader, APeerWhoseCertificateNobodyAsksForIsAWarning) {
  const std::string peer = "[[peer]]\nname = \"office\"\ncertificates = [\"office.test\"]\n";
  EXPECT_THAT(load(peer)->warnings,
              ElementsAre(HasSubstr("bellhop.toml:3:16: warning: no tls or wss listener asks for certificates, so "
                                    "office is not known")));
  EXPECT_THAT(load(peer + "[[listen]]\ntransport = \"tls\"\naddress = \"127.0.0.1:5061\"\n"
                          "client_certificate = \"optional\"\n"
                          "[tls]\ncertificate = \"/nonexistent/a.pem\"\nkey = \"/nonexistent/a.key\"\n"
                          "self_signed = true\n")
                  ->warnings,
              IsEmpty());
}

// [CGP-62] A workaround for what devices send does nothing for a site: it is refused with the section it belongs into
TEST(Loader, AWorkaroundInTheWrongSectionIsRefused) {
  const auto with = [](const std::string& section, const std::string& words) {
    return faults_of("[[" + section + "]]\nname = \"x\"\nworkarounds = [" + words + "]\n" +
                     (section == "site" ? "domains = [\"x.test\"]" : "user_agent = \"X*\""));
  };
  EXPECT_EQ(with("site", R"("no-tcp", "no-maddr", "no-path")"), "no faults");
  EXPECT_THAT(with("site", R"("tcp-ping")"), HasSubstr("bellhop.toml:3:16: workarounds in [[site]]: \"tcp-ping\" is a "
                                                       "workaround for what a device sends, so it belongs into a "
                                                       "[[device]]; take it out"));
  EXPECT_THAT(with("site", R"("no-tpc")"), HasSubstr("write some of \"no-tcp\", \"no-maddr\" or \"no-path\""));
  EXPECT_EQ(with("device", R"("tcp-ping")"), "no faults");
}

// [RFC3261 19.1.2] An advertised IPv6 address needs brackets, or its end would be read as a port
TEST(Loader, AnAdvertisedIpv6AddressNeedsBrackets) {
  const auto with = [](const std::string& advertise) {
    return faults_of("[[listen]]\ntransport = \"tcp\"\naddress = \"[::1]:5070\"\nadvertise = \"" + advertise + "\"");
  };
  EXPECT_THAT(with("2001:db8::7"), HasSubstr("is an IPv6 address without brackets; write \"[2001:db8::7]\""));
  EXPECT_EQ(with("[2001:db8::7]"), "no faults");
  EXPECT_EQ(with("[2001:db8::7]:5080"), "no faults");
  EXPECT_EQ(with("192.0.2.7"), "no faults");
}

// [house 1] A reload that would need a restart names what would.
TEST(RestartNeeded, NamesWhatAReloadCannotChange) {
  const SnapshotPtr running = load("[server]\nworkers = 2");
  EXPECT_THAT(restart_needed(*running, *load("[server]\nworkers = 4\n[registrar]\nmax_contacts = 3")),
              ElementsAre("server.workers (2 -> 4)"));
  EXPECT_THAT(restart_needed(*running, *load("[server]\nworkers = 2\n[[listen]]\ntransport = \"tcp\"\n"
                                             "address = \"127.0.0.1:5060\"")),
              ElementsAre(HasSubstr("[[listen]] \"tcp\" \"127.0.0.1:5060\"")));
  EXPECT_THAT(restart_needed(*running, *load("[server]\nworkers = 2\n[admin]\nhttp = \"127.0.0.1:80\"")),
              ElementsAre("admin.http (none -> \"127.0.0.1:80\")"));
}

// [house 1] Domains, accounts and limits are changed by a reload.
TEST(RestartNeeded, IsEmptyForWhatAReloadCanChange) {
  EXPECT_THAT(restart_needed(*load(""), *load("[[domain]]\nname = \"a.test\"\n[[account]]\nuser = \"a\"\n"
                                              "domain = \"a.test\"\npassword = \"x\"\n[sip]\ntimer_b = \"5s\"")),
              IsEmpty());
}

}  // namespace
}  // namespace bellhop::config
