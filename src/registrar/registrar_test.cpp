#include "registrar/registrar.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "registrar/reply.hpp"

namespace bellhop::registrar {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

constexpr TimePoint start{seconds(1'289'690'940)};  // Sat, 13 Nov 2010 23:29:00 GMT
constexpr std::string_view bob = "bob@biloxi.example.com";

class RegistrarTest : public testing::Test {
 protected:
  RegistrarTest() { flow_.remote = *Endpoint::parse("192.0.2.201:5060"); }

  /// `lines` are header lines ended by newlines, besides Via, From, To, Call-ID, CSeq and Max-Forwards.
  Registrar::Reply send(const std::string& lines, std::uint32_t cseq = 0, const std::string& call_id = "call-1") {
    std::string text = "REGISTER sip:biloxi.example.com SIP/2.0\nVia: " + via_ +
                       ";branch=z9hG4bKnashds7\nMax-Forwards: 70\nFrom: Bob <sip:bob@biloxi.example.com>;tag=a73\n"
                       "To: Bob <sip:bob@biloxi.example.com>\nCall-ID: " +
                       call_id + "\nCSeq: " + std::to_string(cseq != 0 ? cseq : ++cseq_) + " REGISTER\n" + lines +
                       "Content-Length: 0\n\n";
    std::string octets;
    for (const char c : text) {
      if (c == '\n') octets += '\r';
      octets += c;
    }
    sip::Message message;
    EXPECT_TRUE(message.parse(octets, {}, false)) << octets;
    decision_ = {};
    return registrar_.on_register(message, flow_, bob, settings_, 0, now_, decision_);
  }
  std::vector<location::Binding> stored() const {
    std::vector<location::Binding> found;
    table_.find(bob, now_, found);
    return found;
  }
  location::Binding only() const {
    const auto all = stored();
    EXPECT_EQ(all.size(), 1u);
    return all.empty() ? location::Binding{} : all.front();
  }

  observe::Metrics metrics_;
  location::Table table_{metrics_, 1};
  Registrar registrar_{table_, metrics_};
  config::Snapshot settings_;
  net::Flow flow_;
  std::string via_ = "SIP/2.0/UDP 192.0.2.201:5060";
  TimePoint now_ = start;
  std::uint32_t cseq_ = 0;
  observe::DecisionRecord decision_;
};

// [RFC3665 2.1] Successful new registration: the credentials have been checked, the contact is listed for an hour.
TEST_F(RegistrarTest, NewRegistrationIsListedWithItsExpiration) {
  via_ = "SIP/2.0/TLS client.biloxi.example.com:5061";
  flow_.transport = net::Transport::tls;
  const auto reply = send("Contact: <sips:bob@client.biloxi.example.com>\n");
  EXPECT_EQ(reply.status, 200);
  EXPECT_THAT(reply.headers, HasSubstr("Contact: <sips:bob@client.biloxi.example.com>;expires=3600"));
  EXPECT_EQ(only().contact, "sips:bob@client.biloxi.example.com");
  EXPECT_EQ(only().expires, now_ + 3600s);
  EXPECT_FALSE(only().natted);
}

// [RFC3665 2.2] Update of the contact list: a second contact, of another scheme, joins the first.
TEST_F(RegistrarTest, SecondContactJoinsTheList) {
  send("Contact: <sips:bob@client.biloxi.example.com>\n");
  settings_.registrar.max_expires = seconds(4294967295);
  const auto reply = send("Contact: mailto:bob@biloxi.example.com;expires=4294967295\n", 1, "call-2");
  EXPECT_EQ(reply.status, 200);
  EXPECT_THAT(reply.headers, HasSubstr("Contact: <sips:bob@client.biloxi.example.com>;expires=3600"));
  EXPECT_THAT(reply.headers, HasSubstr("Contact: <mailto:bob@biloxi.example.com>;expires=4294967295"));
}

// [RFC3665 2.3] Request for the current contact list: no Contact, nothing changes, all are listed.
TEST_F(RegistrarTest, QueryListsAndChangesNothing) {
  EXPECT_EQ(send("").status, 200);
  EXPECT_THAT(send("").headers, Not(HasSubstr("Contact")));
  send("Contact: <sips:bob@client.biloxi.example.com>\n");
  now_ += 600s;
  const auto reply = send("Expires: 0\n");
  EXPECT_EQ(reply.status, 200);
  EXPECT_THAT(reply.headers, HasSubstr("Contact: <sips:bob@client.biloxi.example.com>;expires=3000"));
  EXPECT_EQ(stored().size(), 1u);
}

// [RFC3665 2.4] Cancellation of registration: "*" with Expires 0 removes all, whatever their Call-ID.
TEST_F(RegistrarTest, StarWithExpiresZeroRemovesAll) {
  send("Contact: <sip:bob@192.0.2.201>\n");
  send("Contact: <sip:bob@192.0.2.201;transport=tcp>\n", 1, "call-2");
  const auto reply = send("Expires: 0\nContact: *\n");
  EXPECT_EQ(reply.status, 200);
  EXPECT_THAT(reply.headers, Not(HasSubstr("Contact")));
  EXPECT_THAT(stored(), IsEmpty());
}

// [RFC3665 2.5] Unsuccessful registration: wrong credentials never get here, so a list stays as it was; a request out
// of order, which does get here, changes nothing either.
TEST_F(RegistrarTest, RefusedRequestLeavesTheListAlone) {
  send("Contact: <sip:bob@192.0.2.201>\n", 10);
  const auto reply = send("Contact: <sip:bob@192.0.2.201>;expires=0\n", 9);
  EXPECT_EQ(reply.status, 500);
  EXPECT_EQ(reply.headers, "");
  EXPECT_EQ(stored().size(), 1u);
}

// [RFC3261 10.3] Step 6: "*" needs Expires 0 and stands alone.
TEST_F(RegistrarTest, StarIsRefusedWithOtherContactsOrAnotherExpiration) {
  send("Contact: <sip:bob@192.0.2.201>\n");
  for (const char* lines :
       {"Contact: *\n", "Contact: *\nExpires: 1\n", "Contact: *\nExpires: abc\n",
        "Contact: *, <sip:bob@192.0.2.201>\nExpires: 0\n", "Contact: <sip:x@192.0.2.201>\nContact: *\nExpires: 0\n",
        "Contact: *\nContact: *\nExpires: 0\n"})
    EXPECT_EQ(send(lines).status, 400) << lines;
  EXPECT_EQ(stored().size(), 1u);
}

// [RFC3261 10.3] Step 6: "*" with a CSeq that is not higher than one stored under its Call-ID removes nothing.
TEST_F(RegistrarTest, StarOutOfOrderRemovesNothing) {
  send("Contact: <sip:bob@192.0.2.201>\n", 10);
  EXPECT_EQ(send("Contact: *\nExpires: 0\n", 10).status, 500);
  EXPECT_EQ(stored().size(), 1u);
}

// [RFC3261 10.3] Step 7: the expires parameter goes before the Expires field, which goes before our default.
TEST_F(RegistrarTest, ExpirationIsTakenFromParameterThenFieldThenDefault) {
  settings_.registrar.default_expires = seconds(1200);
  EXPECT_THAT(send("Contact: <sip:bob@192.0.2.201>;expires=300\nExpires: 600\n").headers, HasSubstr(";expires=300"));
  EXPECT_THAT(send("Contact: <sip:bob@192.0.2.201>\nExpires: 600\n").headers, HasSubstr(";expires=600"));
  EXPECT_THAT(send("Contact: <sip:bob@192.0.2.201>\n").headers, HasSubstr(";expires=1200"));
}

// [REG-04] More than the maximum is cut to it; less than the minimum is refused with Min-Expires.
TEST_F(RegistrarTest, TooLongIsCutAndTooBriefIsRefused) {
  EXPECT_THAT(send("Contact: <sip:bob@192.0.2.201>\nExpires: 999999\n").headers, HasSubstr(";expires=3600"));
  const auto reply = send("Contact: <sip:bob@192.0.2.201;transport=tcp>, <sip:bob@192.0.2.202>;expires=5\n");
  EXPECT_EQ(reply.status, 423);
  EXPECT_EQ(reply.headers, "Min-Expires: 60\r\n");
  EXPECT_EQ(stored().size(), 1u);
  EXPECT_EQ(send("Contact: <sip:bob@192.0.2.201>\nExpires: 59\n").status, 423);
  EXPECT_EQ(send("Contact: <sip:bob@192.0.2.201>\nExpires: 60\n").status, 200);
}

// [RFC3261 10.3] Step 7: an hour or more is never too brief, and neither is zero.
TEST_F(RegistrarTest, HourOrMoreIsNeverTooBrief) {
  settings_.registrar.min_expires = seconds(7200);
  settings_.registrar.max_expires = seconds(86400);
  EXPECT_EQ(send("Contact: <sip:bob@192.0.2.201>\nExpires: 3599\n").status, 423);
  EXPECT_EQ(send("Contact: <sip:bob@192.0.2.201>\nExpires: 3600\n").status, 200);
  EXPECT_EQ(send("Contact: <sip:bob@192.0.2.201>\nExpires: 0\n").status, 200);
  EXPECT_THAT(stored(), IsEmpty());
}

// [REG-23] The client asks for 300 and is granted 120.
TEST_F(RegistrarTest, GrantedExpirationIsEchoedNotTheOneAskedFor) {
  settings_.registrar.max_expires = seconds(120);
  EXPECT_THAT(send("Contact: <sip:bob@192.0.2.201>\nExpires: 300\n").headers,
              HasSubstr("Contact: <sip:bob@192.0.2.201>;expires=120"));
}

// [threats 30] What is no number counts as an hour, what is too large as the maximum; nothing is stored for ever.
TEST_F(RegistrarTest, JunkInExpiresCountsAsAnHour) {
  const std::string digits(100, '9');
  for (const std::string& junk :
       {std::string("abc"), std::string("-1"), std::string("4294967296"), digits, std::string("1h")})
    for (const std::string& lines : {"Contact: <sip:bob@192.0.2.201>\nExpires: " + junk + "\n",
                                     "Contact: <sip:bob@192.0.2.201>;expires=" + junk + "\n"}) {
      const auto reply = send(lines);
      if (reply.status == 200)
        EXPECT_EQ(only().expires, now_ + 3600s) << lines;
      else
        EXPECT_EQ(reply.status, 400) << lines;
    }
  EXPECT_EQ(send("Contact: <sip:bob@192.0.2.201>\nExpires: abc\n").status, 200);
}

// [REG-05] A contact without q is listed with the default, and the list is in order of q.
TEST_F(RegistrarTest, QIsEchoedOrTheDefaultAndOrdersTheList) {
  settings_.registrar.default_q = 250;
  const auto reply = send(
      "Contact: <sip:a@192.0.2.201>;q=0.05, <sip:b@192.0.2.201>\nContact: <sip:c@192.0.2.201>;q=1.0, "
      "<sip:d@192.0.2.201>;q=0\n");
  EXPECT_THAT(reply.headers, StartsWith("Contact: <sip:c@192.0.2.201>;expires=3600;q=1\r\n"
                                        "Contact: <sip:b@192.0.2.201>;expires=3600;q=0.25\r\n"
                                        "Contact: <sip:a@192.0.2.201>;expires=3600;q=0.05\r\n"
                                        "Contact: <sip:d@192.0.2.201>;expires=3600;q=0\r\n"));
}

// [CGP-10] Office phone, desktop and laptop of one user are listed together.
TEST_F(RegistrarTest, ThreeDevicesAreThreeContacts) {
  send("Contact: <sip:bob@192.0.2.201:5061>\n", 1, "office");
  send("Contact: <sip:bob@192.0.2.201:5062>\n", 1, "desktop");
  const auto reply = send("Contact: <sip:bob@192.0.2.201:5063>\n", 1, "laptop");
  for (const char* port : {"5061", "5062", "5063"}) EXPECT_THAT(reply.headers, HasSubstr(port));
  EXPECT_EQ(stored().size(), 3u);
}

// [RFC3261 10.2.2] expires=0 removes the one contact it stands at.
TEST_F(RegistrarTest, ZeroRemovesOneContactAndTheRestIsListed) {
  send("Contact: <sip:a@192.0.2.201>, <sip:b@192.0.2.201>\n");
  const auto reply = send("Contact: <sip:a@192.0.2.201>;expires=0\n");
  EXPECT_THAT(reply.headers, Not(HasSubstr("sip:a@")));
  EXPECT_THAT(reply.headers, HasSubstr("sip:b@"));
}

// [USR-09] A repeated REGISTER is answered like the first; an older one is refused.
TEST_F(RegistrarTest, RepeatIsAnsweredAndOlderIsRefused) {
  send("Contact: <sip:bob@192.0.2.201>\nExpires: 600\n", 7);
  now_ += 2s;
  const auto again = send("Contact: <sip:bob@192.0.2.201>\nExpires: 600\n", 7);
  EXPECT_EQ(again.status, 200);
  EXPECT_THAT(again.headers, HasSubstr(";expires=598"));
  EXPECT_EQ(send("Contact: <sip:bob@192.0.2.201>\nExpires: 600\n", 6).status, 500);
}

// [USR-08] Same contact, new Call-ID: one binding, updated.
TEST_F(RegistrarTest, NewCallIdOfTheSameContactUpdatesIt) {
  send("Contact: <sip:bob@192.0.2.201>\n", 50, "before");
  EXPECT_EQ(send("Contact: <sip:bob@192.0.2.201>\n", 1, "after").status, 200);
  EXPECT_EQ(only().call_id, "after");
}

// [REG-10] The contact above the limit is refused with 503 and nothing is stored.
TEST_F(RegistrarTest, EleventhContactIsRefusedAndTenStay) {
  for (int i = 0; i < 10; ++i)
    EXPECT_EQ(send("Contact: <sip:bob@192.0.2.201:" + std::to_string(6000 + i) + ">\n").status, 200);
  EXPECT_EQ(send("Contact: <sip:bob@192.0.2.201:7000>\n").status, 503);
  EXPECT_EQ(stored().size(), 10u);
  EXPECT_EQ(send("Contact: <sip:bob@192.0.2.201:6003>\n").status, 200);
}

// [threats 33] Lists of 500 and 3000 contacts are refused whole.
TEST_F(RegistrarTest, EndlessContactListsAreRefusedWhole) {
  for (const int count : {11, 23, 500, 3000}) {
    std::string list = "Contact: <sip:b0@h>";
    for (int i = 1; i < count; ++i) list += ",<sip:b" + std::to_string(i) + "@h>";
    EXPECT_EQ(send(list + "\n").status, 503) << count;
  }
  EXPECT_THAT(stored(), IsEmpty());
}

// [REG-11] A 5xx carries Retry-After when it is configured.
TEST_F(RegistrarTest, RetryAfterStandsInServerErrorsWhenConfigured) {
  settings_.registrar.retry_after = seconds(30);
  settings_.registrar.max_contacts = 1;
  EXPECT_EQ(send("Contact: <sip:a@192.0.2.201>, <sip:b@192.0.2.201>\n").headers, "Retry-After: 30\r\n");
  EXPECT_THAT(send("Contact: *\n").headers, Not(HasSubstr("Retry-After")));
}

// [REG-12] Allow says which methods a contact takes; without Allow, and with the filter off, it takes all.
TEST_F(RegistrarTest, AllowLimitsTheMethodsOfABinding) {
  send("Contact: <sip:bob@192.0.2.201>\nAllow: INVITE, BYE\nAllow: OPTIONS\n");
  EXPECT_TRUE(only().accepts(sip::Method::invite));
  EXPECT_TRUE(only().accepts(sip::Method::cancel));
  EXPECT_TRUE(only().accepts(sip::Method::options));
  EXPECT_TRUE(only().accepts(sip::Method::other));
  EXPECT_FALSE(only().accepts(sip::Method::message));
  send("Contact: <sip:bob@192.0.2.201>\n");
  EXPECT_TRUE(only().accepts(sip::Method::message));
  settings_.registrar.method_filtering = false;
  send("Contact: <sip:bob@192.0.2.201>\nAllow: INVITE\n");
  EXPECT_TRUE(only().accepts(sip::Method::message));
}

// [REG-14] A contact URI of 513 characters is refused, one of 512 is not.
TEST_F(RegistrarTest, ContactAboveTheSizeLimitIsRefused) {
  const std::string frame = "sip:@192.0.2.201";
  const std::string fits = "sip:" + std::string(512 - frame.size(), 'u') + "@192.0.2.201";
  EXPECT_EQ(send("Contact: <" + fits + ">\n").status, 200);
  EXPECT_EQ(send("Contact: <sip:u" + fits.substr(4) + ">\n").status, 400);
  EXPECT_EQ(stored().size(), 1u);
}

// [REG-08] A contact behind NAT is listed with the address its requests go to.
TEST_F(RegistrarTest, NattedContactIsListedWithItsReceivedAddress) {
  via_ = "SIP/2.0/UDP 192.168.80.11:1525;rport";
  flow_.remote = *Endpoint::parse("182.178.80.11:17255");
  const auto reply = send("Contact: <sip:bob@192.168.80.11:1525>;received=\"sip:6.6.6.6:1\"\n");
  EXPECT_THAT(reply.headers, HasSubstr(";received=\"sip:182.178.80.11:17255\"\r\n"));
  EXPECT_THAT(reply.headers, Not(HasSubstr("6.6.6.6")));
  EXPECT_TRUE(only().natted);
  EXPECT_EQ(only().flow.remote, flow_.remote);
}

// [CGP-05, USR-03] NAT shows in a contact of another address, and in a top Via of another address or port.
TEST_F(RegistrarTest, NatIsSeenInContactAndTopVia) {
  const auto natted = [&](const std::string& contact, const std::string& via, const std::string& remote) {
    via_ = "SIP/2.0/UDP " + via;
    flow_.remote = *Endpoint::parse(remote);
    send("Contact: *\nExpires: 0\n");
    EXPECT_EQ(send("Contact: <sip:bob@" + contact + ">\n").status, 200) << contact;
    return only().natted;
  };
  EXPECT_FALSE(natted("192.0.2.201:5060", "192.0.2.201:5060", "192.0.2.201:5060"));
  EXPECT_FALSE(natted("192.0.2.201", "192.0.2.201", "192.0.2.201:5060"));
  EXPECT_FALSE(natted("192.0.2.201:5070", "192.0.2.201:5060", "192.0.2.201:5060"));
  EXPECT_FALSE(natted("phone.example.test", "phone.example.test", "192.0.2.201:5060"));
  EXPECT_FALSE(natted("[2001:db8::1]:5060", "[2001:db8:0::1]:5060", "[2001:db8::1]:5060"));
  EXPECT_TRUE(natted("10.0.0.7:5060", "192.0.2.201:5060", "192.0.2.201:5060"));
  EXPECT_TRUE(natted("127.0.0.2:5060", "127.0.0.1:5060", "127.0.0.1:5060"));
  EXPECT_TRUE(natted("192.0.2.201:5060", "10.0.0.7:5060", "192.0.2.201:5060"));
  EXPECT_TRUE(natted("192.0.2.201:5060", "192.0.2.201:5060", "192.0.2.201:40000"));
  EXPECT_TRUE(natted("192.0.2.201:5060", "192.0.2.201", "192.0.2.201:40000"));
  EXPECT_TRUE(natted("a1b2c3.invalid", "x9y8.invalid", "192.0.2.201:5060"));
}

// [RFC5626 4.2] A phone on a stream keeps its connection as flow; its ports say nothing about NAT (baresip writes its
// listening port).
TEST_F(RegistrarTest, StreamFlowIsKeptAndItsPortIsNoSignOfNat) {
  via_ = "SIP/2.0/TCP 192.0.2.201:5060";
  flow_.transport = net::Transport::tcp;
  flow_.stream = {3, 1};
  flow_.remote = *Endpoint::parse("192.0.2.201:51234");
  send("Contact: <sip:bob@192.0.2.201:5060;transport=tcp>\n");
  EXPECT_FALSE(only().natted);
  EXPECT_EQ(only().flow, flow_);
  const auto reply = send("Contact: <sip:bob@10.1.1.1:5060;transport=tcp>\n");
  EXPECT_THAT(reply.headers, HasSubstr(";received=\"sip:192.0.2.201:51234;transport=tcp\""));
}

// [CGP-05] The operator may take every contact for one behind NAT; a registration passed on by a proxy is not judged.
TEST_F(RegistrarTest, ForcedNatAndRegistrationsThroughAProxy) {
  settings_.registrar.force_nat = true;
  send("Contact: <sip:bob@192.0.2.201>\n");
  EXPECT_TRUE(only().natted);
  send("Contact: <sip:bob@192.0.2.201>\nVia: SIP/2.0/UDP 10.0.0.9;branch=z9hG4bKx\n");
  EXPECT_FALSE(only().natted) << "it came from the proxy, which is no way to the phone";
  settings_.registrar.force_nat = false;
  send("Contact: <sip:bob@192.0.2.201>\nVia: SIP/2.0/UDP 10.0.0.9;branch=z9hG4bKx\n");
  EXPECT_FALSE(only().natted);
}

// [threats 45] Contacts at port 0, broadcast, multicast or no address at all are refused; nothing could be sent there.
TEST_F(RegistrarTest, ContactsThatCouldOnlyBroadcastAreRefused) {
  for (const char* contact : {"sip:bob@192.0.2.201:0", "sip:bob@255.255.255.255", "sip:bob@224.0.1.75",
                              "sip:bob@[ff02::1]", "sip:bob@0.0.0.0", "sip:bob@[::]",
                              "sip:bob@192.0.2.201;maddr=224.0.1.75", "sips:bob@239.1.2.3", "sip:bob@.1", "sip:bob@"})
    EXPECT_EQ(send(std::string("Contact: <") + contact + ">\n").status, 400) << contact;
  EXPECT_THAT(stored(), IsEmpty());
}

// [threats 45] The server itself and a telephone number are contacts like others: a call to them ends in 482, 483 or
// 480.
TEST_F(RegistrarTest, ServerItselfAndTelAreStoredForTheProxyToRefuse) {
  flow_.remote = *Endpoint::parse("127.0.0.1:5070");
  via_ = "SIP/2.0/UDP 127.0.0.1:5070";
  EXPECT_EQ(send("Contact: <sip:bob@127.0.0.1:5060>, <tel:+15551234>\n").status, 200);
  EXPECT_EQ(stored().size(), 2u);
}

// [threats 32] An escaped line end in a contact stays escaped.
TEST_F(RegistrarTest, EscapesInAContactAreNeverUndone) {
  const auto reply = send("Contact: <sip:bob%0d%0aEvil:%20yes@192.0.2.201>\n");
  EXPECT_EQ(only().contact, "sip:bob%0d%0aEvil:%20yes@192.0.2.201");
  EXPECT_THAT(reply.headers, HasSubstr("<sip:bob%0d%0aEvil:%20yes@192.0.2.201>"));
}

// [RFC3261 7.3.1] A folded header field is echoed without its folds: no line of the reply begins with a space.
TEST_F(RegistrarTest, FoldsAreNotEchoed) {
  const auto reply = send(
      "Contact: <sip:bob@192.0.2.201>\n ;+sip.instance=\"<urn:uuid:1>\"\n\t;x=\"a\n b\"\nSupported: path\n"
      "Path: <sip:e1.example.test;lr>,\n <sip:e2.example.test;lr>\n");
  EXPECT_EQ(reply.status, 200);
  EXPECT_THAT(reply.headers, Not(HasSubstr("\r\n ")));
  EXPECT_THAT(reply.headers, HasSubstr(";+sip.instance=\"<urn:uuid:1>\";x=\"a"));
}

// [REG-01] Path off: the header is ignored.
TEST_F(RegistrarTest, PathIsIgnoredWhenOff) {
  settings_.registrar.path = config::PathMode::off;
  const auto reply = send("Contact: <sip:bob@192.0.2.201>\nPath: <sip:edge.example.test;lr>\nSupported: path\n");
  EXPECT_EQ(reply.status, 200);
  EXPECT_THAT(reply.headers, Not(HasSubstr("Path:")));
  EXPECT_EQ(only().path, "");
}

// [REG-01] Path lazy: stored in any case, echoed only to a client that supports it.
TEST_F(RegistrarTest, LazyPathIsStoredAndEchoedOnlyWhenSupported) {
  const char* lines = "Contact: <sip:bob@192.0.2.201>\nPath: <sip:e2.example.test;lr>, <sip:e1.example.test;lr>\n";
  EXPECT_THAT(send(lines).headers, Not(HasSubstr("Path:")));
  EXPECT_EQ(only().path, "<sip:e2.example.test;lr>, <sip:e1.example.test;lr>");
  EXPECT_THAT(send(std::string(lines) + "Supported: gruu, path\n").headers,
              HasSubstr("Path: <sip:e2.example.test;lr>, <sip:e1.example.test;lr>\r\n"));
  EXPECT_THAT(send("Supported: path\n").headers, Not(HasSubstr("Path:")));
}

// [REG-01] Path strict: refused when the client does not support it.
TEST_F(RegistrarTest, StrictPathNeedsSupport) {
  settings_.registrar.path = config::PathMode::strict;
  const std::string lines = "Contact: <sip:bob@192.0.2.201>\nPath: <sip:edge.example.test;lr>\n";
  const auto refused = send(lines);
  EXPECT_EQ(refused.status, 420);
  EXPECT_EQ(refused.headers, "Unsupported: path\r\n");
  EXPECT_THAT(stored(), IsEmpty());
  EXPECT_THAT(send(lines + "Supported: path\n").headers, HasSubstr("Path: <sip:edge.example.test;lr>\r\n"));
  EXPECT_EQ(send("Contact: <sip:bob@192.0.2.201>\n").status, 200);
}

// [RFC3327 5.3] The path is the way to the contact: NAT on that way is the edge proxy's to see.
TEST_F(RegistrarTest, ContactWithAPathIsNotNatted) {
  send("Contact: <sip:bob@10.0.0.7>\nPath: <sip:edge.example.test;lr>\n");
  EXPECT_FALSE(only().natted);
}

// [threats 36] A broken Path is refused.
TEST_F(RegistrarTest, BrokenPathIsRefused) {
  for (const char* path : {"<sip:>", "<tel:+1>", "sip:edge.example.test", "<sip:edge.example.test;lr", "junk"})
    EXPECT_EQ(send(std::string("Contact: <sip:bob@192.0.2.201>\nPath: ") + path + "\n").status, 400) << path;
  EXPECT_THAT(stored(), IsEmpty());
}

// [RFC3261 8.2.2.3] Required extensions that we do not have are refused by name, before anything else.
TEST_F(RegistrarTest, RequiredExtensionsAreRefusedByName) {
  const auto reply = send("Contact: <sip:bob@192.0.2.201>\nRequire: foo, path\nRequire: bar\n");
  EXPECT_EQ(reply.status, 420);
  EXPECT_EQ(reply.headers, "Unsupported: foo, bar\r\n");
  EXPECT_THAT(stored(), IsEmpty());
  EXPECT_EQ(send("Contact: <sip:bob@192.0.2.201>\nRequire: path\n").status, 200);
}

// [RFC3261 10.3] Step 8: the 200 has a Date.
TEST_F(RegistrarTest, AnswerHasTheDate) {
  EXPECT_THAT(send("").headers, HasSubstr("Date: Sat, 13 Nov 2010 23:29:00 GMT\r\n"));
  now_ += 61s;
  EXPECT_THAT(send("").headers, HasSubstr("Date: Sat, 13 Nov 2010 23:30:01 GMT\r\n"));
  std::string leap_day;
  append_date(leap_day, TimePoint{seconds(1709164799)});
  EXPECT_EQ(leap_day, "Date: Wed, 28 Feb 2024 23:59:59 GMT\r\n");
}

// [RFC5626 6.1] Contact parameters are echoed as registered, and the instance is known.
TEST_F(RegistrarTest, ContactParametersAreEchoedAndInstanceIsRead) {
  const auto reply = send(
      "Contact: \"Bob\" <sip:bob@192.0.2.201>;+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-000A95A0E128>\""
      ";reg-id=1;audio;methods=\"INVITE,BYE\";expires=100\n");
  EXPECT_THAT(reply.headers,
              HasSubstr("<sip:bob@192.0.2.201>;expires=100;q=1;+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-"
                        "000A95A0E128>\";reg-id=1;audio;methods=\"INVITE,BYE\"\r\n"));
  EXPECT_EQ(only().instance, "<urn:uuid:00000000-0000-1000-8000-000A95A0E128>");
  EXPECT_EQ(only().reg_id, 1u);
}

// [USR-02] The record holds Call-ID, CSeq, user agent and the flow.
TEST_F(RegistrarTest, BindingHoldsTheFactsOfItsRequest) {
  send("Contact: <sip:bob@192.0.2.201>\nUser-Agent: MicroSIP/3.20.5\n", 42, "5a3f@192.0.2.201");
  EXPECT_EQ(only().call_id, "5a3f@192.0.2.201");
  EXPECT_EQ(only().cseq, 42u);
  EXPECT_EQ(only().user_agent, "MicroSIP/3.20.5");
  EXPECT_EQ(only().updated, now_);
}

// [RFC3261 10.3] A contact that can not be parsed refuses the request, those beside it included.
TEST_F(RegistrarTest, BrokenContactRefusesTheRequest) {
  for (const char* contact : {"<sip:bob@192.0.2.201", "<>", "\"open <sip:bob@192.0.2.201>", "<sip:bob@192.0.2.201>;q=2",
                              "<sip:bob@192.0.2.201:99999>", "<nothing>"})
    EXPECT_EQ(send(std::string("Contact: <sip:good@192.0.2.201>\nContact: ") + contact + "\n").status, 400) << contact;
  EXPECT_THAT(stored(), IsEmpty());
}

// [REG-20] Accepted and rejected registrations are counted, and the decision is on record.
TEST_F(RegistrarTest, AcceptedAndRejectedAreCountedAndNoted) {
  for (int i = 0; i < 5; ++i) send("Contact: <sip:bob@192.0.2.201>\n");
  EXPECT_EQ(decision_.text(), "registrar accepted 1");
  for (int i = 0; i < 2; ++i) send("Contact: <sip:bob@192.0.2.201>;expires=1\n");
  EXPECT_EQ(decision_.text(), "registrar refused Interval Too Brief");
  observe::Metrics::Values values;
  metrics_.collect(values);
  EXPECT_EQ(values.counters.at("registrar.accepted"), 5u);
  EXPECT_EQ(values.counters.at("registrar.rejected"), 2u);
  EXPECT_EQ(values.gauges.at("location.bindings"), 1);
}

}  // namespace
}  // namespace bellhop::registrar
