#include "location/table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

namespace bellhop::location {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr TimePoint start{seconds(1'700'000'000)};
constexpr std::string_view bob = "bob@example.test";

Binding binding(std::string contact, std::uint32_t cseq, Duration lifetime = seconds(3600),
                std::string call_id = "call-1", TimePoint now = start) {
  Binding b;
  b.contact = std::move(contact);
  b.call_id = std::move(call_id);
  b.cseq = cseq;
  b.expires = now + lifetime;
  b.updated = now;
  return b;
}
Change put(Binding b) {
  return {Change::Kind::put, std::move(b)};
}
Change remove(Binding b) {
  return {Change::Kind::remove, std::move(b)};
}
Binding with_instance(Binding b, std::string instance, std::uint32_t reg_id = 0) {
  b.contact_parameters = ";+sip.instance=\"" + instance + "\"";
  b.instance = std::move(instance);
  b.reg_id = reg_id;
  return b;
}

class Locations : public testing::Test {
 protected:
  Result<void, UpdateError> update(std::vector<Change> changes, TimePoint now = start, std::string_view aor = bob) {
    return table_.update(aor, changes, limits_, 0, now, result_);
  }
  std::vector<std::string> contacts(TimePoint now = start, std::string_view aor = bob) {
    std::vector<Binding> found;
    table_.find(aor, now, found);
    std::vector<std::string> contacts;
    for (const Binding& b : found) contacts.push_back(b.contact);
    return contacts;
  }
  Binding only(TimePoint now = start) {
    std::vector<Binding> found;
    table_.find(bob, now, found);
    EXPECT_EQ(found.size(), 1u);
    return found.empty() ? Binding{} : found.front();
  }
  std::int64_t gauge(const std::string& name) const {
    observe::Metrics::Values values;
    metrics_.collect(values);
    return values.gauges.at(name);
  }

  observe::Metrics metrics_;
  Table table_{metrics_, 42};
  UpdateLimits limits_;
  Listing result_;
};

// [USR-02] Every fact of a binding is found again as it was stored.
TEST_F(Locations, BindingComesBackWithAllItsFacts) {
  Binding b = with_instance(binding("sip:bob@[2001:db8::1]:5070;transport=tcp", 7), "<urn:uuid:1>", 3);
  b.q = 300;
  b.path = "<sip:edge.example.test;lr>";
  b.user_agent = "Phone 1.0";
  b.methods = 5;
  b.natted = true;
  b.flow.transport = net::Transport::tcp;
  b.flow.shard = 3;
  b.flow.socket = 2;
  b.flow.stream = {4, 5};
  b.flow.local = *Endpoint::parse("192.0.2.1:5060");
  b.flow.remote = *Endpoint::parse("[2001:db8::9]:40000");
  ASSERT_TRUE(update({put(b)}));

  const Binding found = only();
  EXPECT_NE(found.id, 0u);
  EXPECT_EQ(found.contact, b.contact);
  EXPECT_EQ(found.contact_parameters, b.contact_parameters);
  EXPECT_EQ(found.call_id, b.call_id);
  EXPECT_EQ(found.cseq, b.cseq);
  EXPECT_EQ(found.q, b.q);
  EXPECT_EQ(found.expires, b.expires);
  EXPECT_EQ(found.updated, b.updated);
  EXPECT_EQ(found.instance, b.instance);
  EXPECT_EQ(found.reg_id, b.reg_id);
  EXPECT_EQ(found.path, b.path);
  EXPECT_EQ(found.user_agent, b.user_agent);
  EXPECT_EQ(found.methods, b.methods);
  EXPECT_EQ(found.flow, b.flow);
  EXPECT_TRUE(found.natted);
  ASSERT_EQ(result_.size(), 1u);
  EXPECT_EQ(result_.bindings()[0].id, found.id);
}

// [RFC3261 10.3] What a refresh gives back without copying the block is what a look-up finds.
TEST_F(Locations, ARefreshListsWhatStands) {
  Binding b = with_instance(binding("sip:bob@192.0.2.1", 1), "<urn:uuid:1>", 1);
  b.flow.remote = *Endpoint::parse("198.51.100.7:4711");
  b.natted = true;
  b.path = "<sip:edge.test;lr>";
  b.user_agent = "phone";
  ASSERT_TRUE(update({put(b)}));
  for (const std::size_t others : {0, 1}) {
    if (others == 1) {
      ASSERT_TRUE(update({put(binding("sip:bob@192.0.2.2", 1))}));
    }
    ++b.cseq;
    b.expires += 60s;
    b.updated += 1s;
    const std::vector<Change> refresh{put(b)};
    Listing given, found;
    ASSERT_TRUE(table_.update(bob, refresh, limits_, 0, start + 1s, given));
    table_.find(bob, start + 1s, found);
    ASSERT_EQ(given.size(), others + 1);
    ASSERT_EQ(found.size(), others + 1);
    for (std::size_t i = 0; i < given.size(); ++i) {
      const BindingView& x = given.bindings()[i];
      const BindingView& y = found.bindings()[i];
      EXPECT_EQ(std::tie(x.id, x.version, x.cseq, x.methods, x.reg_id, x.q, x.natted, x.expires, x.updated),
                std::tie(y.id, y.version, y.cseq, y.methods, y.reg_id, y.q, y.natted, y.expires, y.updated));
      EXPECT_EQ(std::tie(x.contact, x.contact_parameters, x.call_id, x.instance, x.path, x.user_agent, x.flow),
                std::tie(y.contact, y.contact_parameters, y.call_id, y.instance, y.path, y.user_agent, y.flow));
    }
  }
}

// [CGP-10] The server remembers several addresses of one user, and users apart.
TEST_F(Locations, SeveralContactsOfOneUserAreAllFoundAndUsersAreApart) {
  ASSERT_TRUE(update({put(binding("sip:bob@192.0.2.1", 1)), put(binding("sip:bob@192.0.2.2", 1))}));
  ASSERT_TRUE(update({put(binding("sip:carol@192.0.2.3", 1))}, start, "carol@example.test"));
  EXPECT_THAT(contacts(), UnorderedElementsAre("sip:bob@192.0.2.1", "sip:bob@192.0.2.2"));
  EXPECT_THAT(contacts(start, "carol@example.test"), ElementsAre("sip:carol@192.0.2.3"));
  EXPECT_THAT(contacts(start, "dave@example.test"), IsEmpty());
  EXPECT_EQ(table_.bindings(), 3u);
  EXPECT_EQ(table_.addresses(), 2u);
}

// [REG-05] Contacts come in order of q, the newest first among equals.
TEST_F(Locations, OrderIsByQThenNewestFirst) {
  const auto with_q = [](const char* contact, std::uint16_t q, TimePoint now) {
    Binding b = binding(contact, 1, seconds(3600), contact, now);
    b.q = q;
    return put(b);
  };
  ASSERT_TRUE(update({with_q("sip:low@x.test", 100, start)}));
  ASSERT_TRUE(update({with_q("sip:old@x.test", 500, start + 1s)}, start + 1s));
  ASSERT_TRUE(update({with_q("sip:new@x.test", 500, start + 2s)}, start + 2s));
  ASSERT_TRUE(update({with_q("sip:best@x.test", 1000, start)}, start + 2s));
  EXPECT_THAT(contacts(start + 3s),
              ElementsAre("sip:best@x.test", "sip:new@x.test", "sip:old@x.test", "sip:low@x.test"));
}

// [RFC3261 10.3] Step 7: contacts are compared as URIs, and a refresh keeps the binding.
TEST_F(Locations, RefreshFindsItsBindingByUriEquivalenceAndKeepsItsId) {
  ASSERT_TRUE(update({put(binding("sip:bob@Host.Example.Test;Transport=UDP", 1))}));
  const auto id = only().id;
  ASSERT_TRUE(update({put(binding("sip:bob@host.example.test;transport=udp", 2, seconds(60)))}));
  EXPECT_EQ(only().id, id);
  EXPECT_EQ(only().contact, "sip:bob@host.example.test;transport=udp");
  EXPECT_EQ(only().expires, start + 60s);
  ASSERT_TRUE(update({put(binding("sip:bob@host.example.test;transport=tcp", 3))}));
  EXPECT_EQ(contacts().size(), 2u);
}

// [USR-08] The same contact under a new Call-ID updates the one binding.
TEST_F(Locations, NewCallIdUpdatesTheBindingOfTheSameContact) {
  ASSERT_TRUE(update({put(binding("sip:bob@192.0.2.1", 100))}));
  ASSERT_TRUE(update({put(binding("sip:bob@192.0.2.1", 1, seconds(3600), "after-reboot"))}));
  EXPECT_EQ(only().call_id, "after-reboot");
  EXPECT_EQ(only().cseq, 1u);
}

// [RFC5626 6.1] A phone that names its instance replaces its binding when its address has changed.
TEST_F(Locations, SameInstanceUnderANewAddressReplacesTheOldBinding) {
  ASSERT_TRUE(update({put(with_instance(binding("sip:a1b2@abc.invalid", 1), "<urn:uuid:1>", 1))}));
  ASSERT_TRUE(
      update({put(with_instance(binding("sip:c3d4@def.invalid", 1, seconds(3600), "other"), "<urn:uuid:1>", 1))}));
  EXPECT_THAT(contacts(), ElementsAre("sip:c3d4@def.invalid"));
}

// [RFC5626 6.1] Two flows of one instance (reg-id 1 and 2) are two bindings.
TEST_F(Locations, FlowsOfOneInstanceAreKeptApartByRegId) {
  ASSERT_TRUE(update({put(with_instance(binding("sip:bob@192.0.2.1", 1), "<urn:uuid:1>", 1))}));
  ASSERT_TRUE(update({put(with_instance(binding("sip:bob@192.0.2.1", 2), "<urn:uuid:1>", 2))}));
  EXPECT_EQ(contacts().size(), 2u);
}

// [DET-07] Two phones with the same private address behind two NATs are told apart by their instance.
TEST_F(Locations, EqualPrivateContactsOfTwoInstancesAreTwoBindings) {
  ASSERT_TRUE(update({put(with_instance(binding("sip:bob@192.168.1.2", 1), "<urn:uuid:1>"))}));
  ASSERT_TRUE(update({put(with_instance(binding("sip:bob@192.168.1.2", 1, seconds(3600), "b"), "<urn:uuid:2>"))}));
  EXPECT_EQ(contacts().size(), 2u);
}

// [RFC3261 10.3] Several contacts of one phone in one request stay several, also when all of them change address.
TEST_F(Locations, ContactsOfOneRequestNeverReplaceEachOther) {
  const auto both = [](const char* host, std::uint32_t cseq) {
    return std::vector<Change>{
        put(with_instance(binding(std::string("sip:bob@") + host, cseq), "<urn:uuid:1>")),
        put(with_instance(binding(std::string("sip:bob@") + host + ";transport=tcp", cseq), "<urn:uuid:1>"))};
  };
  ASSERT_TRUE(update(both("192.0.2.1", 1)));
  ASSERT_TRUE(update(both("192.0.2.7", 2)));
  EXPECT_THAT(contacts(), UnorderedElementsAre("sip:bob@192.0.2.7", "sip:bob@192.0.2.7;transport=tcp"));
}

// [RFC3261 10.3] Step 7: with the same Call-ID a lower CSeq aborts the request, all of it.
TEST_F(Locations, LowerCSeqOfTheSameCallIdChangesNothing) {
  ASSERT_TRUE(update({put(binding("sip:bob@192.0.2.1", 5))}));
  const auto done = update({put(binding("sip:bob@192.0.2.2", 4)), put(binding("sip:bob@192.0.2.1", 4))});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error(), UpdateError::out_of_order);
  EXPECT_THAT(contacts(), ElementsAre("sip:bob@192.0.2.1"));
  EXPECT_FALSE(update({remove(binding("sip:bob@192.0.2.1", 4))}));
  EXPECT_EQ(only().cseq, 5u);
}

// [USR-09] The very repeat of a request is answered as the first time and changes nothing; much later it is out of
// order.
TEST_F(Locations, RepeatedRequestIsAnsweredAndChangesNothing) {
  const std::vector<Change> request{put(binding("sip:bob@192.0.2.1", 5, seconds(600)))};
  ASSERT_TRUE(update(request));
  std::vector<Change> again{put(binding("sip:bob@192.0.2.1", 5, seconds(600), "call-1", start + 4s))};
  ASSERT_TRUE(update(again, start + 4s));
  EXPECT_EQ(only().expires, start + 600s);
  ASSERT_EQ(result_.size(), 1u);
  EXPECT_FALSE(update(again, start + 33s));
  EXPECT_FALSE(update({put(binding("sip:bob@192.0.2.2;transport=tcp", 5)), put(binding("sip:bob@192.0.2.1", 4))}));
}

// [RFC3261 10.2.2] An expiration of zero removes the binding; removing what is not there is no error.
TEST_F(Locations, RemovalTakesTheNamedBindingOnly) {
  ASSERT_TRUE(update({put(binding("sip:bob@192.0.2.1", 1)), put(binding("sip:bob@192.0.2.2", 1))}));
  ASSERT_TRUE(update({remove(binding("sip:bob@192.0.2.1", 2))}));
  EXPECT_THAT(contacts(), ElementsAre("sip:bob@192.0.2.2"));
  ASSERT_TRUE(update({remove(binding("sip:bob@192.0.2.1", 2))}));
  ASSERT_TRUE(update({remove(binding("sip:bob@192.0.2.2", 3))}));
  EXPECT_THAT(result_, IsEmpty());
  EXPECT_EQ(table_.addresses(), 0u);
}

// [RFC3261 10.3] Contacts are processed in turn: the last word about one contact counts.
TEST_F(Locations, LastWordAboutAContactInOneRequestCounts) {
  ASSERT_TRUE(update({put(binding("sip:bob@192.0.2.1", 1)), remove(binding("sip:bob@192.0.2.1", 1))}));
  EXPECT_THAT(contacts(), IsEmpty());
  ASSERT_TRUE(update({put(binding("sip:bob@192.0.2.1", 2)), put(binding("sip:bob@192.0.2.1", 2, seconds(77)))}));
  EXPECT_EQ(only().expires, start + 77s);
  ASSERT_TRUE(update({remove(binding("sip:bob@192.0.2.1", 3)), put(binding("sip:bob@192.0.2.1", 3))}));
  EXPECT_EQ(only().cseq, 3u);
}

// [REG-10] One contact above the limit refuses the request; those that are there stay and may refresh.
TEST_F(Locations, ContactLimitRefusesTheWholeRequest) {
  limits_.max_contacts = 2;
  ASSERT_TRUE(update({put(binding("sip:bob@192.0.2.1", 1)), put(binding("sip:bob@192.0.2.2", 1))}));
  const auto done = update({remove(binding("sip:bob@192.0.2.9", 2)), put(binding("sip:bob@192.0.2.3", 2))});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error(), UpdateError::too_many_contacts);
  EXPECT_EQ(contacts().size(), 2u);
  EXPECT_TRUE(update({put(binding("sip:bob@192.0.2.3", 2)), remove(binding("sip:bob@192.0.2.1", 2))}));
  limits_.max_contacts = 1;
  EXPECT_TRUE(update({put(binding("sip:bob@192.0.2.3", 3))}));
}

// [REG-10] Contacts that have expired do not count against the limit.
TEST_F(Locations, ExpiredContactsMakeRoom) {
  limits_.max_contacts = 1;
  ASSERT_TRUE(update({put(binding("sip:bob@192.0.2.1", 1, seconds(60)))}));
  EXPECT_TRUE(update({put(binding("sip:bob@192.0.2.2", 2))}, start + 60s));
  EXPECT_THAT(contacts(start + 60s), ElementsAre("sip:bob@192.0.2.2"));
  EXPECT_EQ(table_.bindings(), 1u);
  EXPECT_EQ(gauge("location.expired"), 1);
}

// [threats 33] Texts that no block could hold are refused, not cut.
TEST_F(Locations, OverlongTextsAreRefused) {
  Binding b = binding("sip:bob@192.0.2.1", 1);
  b.path = std::string(4097, 'p');
  const auto done = update({put(b)});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error(), UpdateError::too_long);
  EXPECT_FALSE(update({put(binding("sip:bob@192.0.2.1", 1))}, start, std::string(5000, 'a')));
  b.path = std::string(4096, 'p');
  EXPECT_TRUE(update({put(b)}));
  EXPECT_EQ(only().path.size(), 4096u);
}

// [RFC3261 10.3] Step 6: "*" removes all, unless one of this Call-ID has a CSeq that is not lower; then nothing
// happens.
TEST_F(Locations, RemoveAllKeepsTheOrderRule) {
  ASSERT_TRUE(update({put(binding("sip:bob@192.0.2.1", 5))}));
  ASSERT_TRUE(update({put(binding("sip:bob@192.0.2.2", 50, seconds(3600), "other"))}));
  EXPECT_FALSE(table_.remove_all(bob, "call-1", 5, 0, start));
  EXPECT_EQ(contacts().size(), 2u);
  EXPECT_TRUE(table_.remove_all(bob, "call-1", 6, 0, start));
  EXPECT_THAT(contacts(), IsEmpty());
  EXPECT_TRUE(table_.remove_all(bob, "call-1", 6, 0, start));
}

// [USR-12] The end of a connection takes the bindings over it, and none that came back over another one: not even by
// another transport under the same number
TEST_F(Locations, BindingsGoWithTheirConnection) {
  const auto over = [](Binding b, const char* remote, std::uint32_t stream) {
    b.flow.transport = net::Transport::ws;
    b.flow.remote = *Endpoint::parse(remote);
    b.flow.stream = {stream, 1};
    return b;
  };
  const Binding lost = over(binding("sip:bob@a.invalid", 1), "192.0.2.1:40000", 1);
  const Binding back = over(binding("sip:bob@b.invalid", 1), "192.0.2.1:40000", 2);
  const Binding elsewhere = over(binding("sip:bob@c.invalid", 1), "192.0.2.2:40000", 1);
  Binding other_transport = over(binding("sip:bob@d.invalid", 1), "192.0.2.1:40000", 1);
  other_transport.flow.transport = net::Transport::tcp;
  ASSERT_TRUE(update({put(lost), put(back), put(elsewhere), put(other_transport)}));
  EXPECT_EQ(table_.remove_over(bob, lost.flow, start), 1u);
  EXPECT_THAT(contacts(), UnorderedElementsAre(back.contact, elsewhere.contact, other_transport.contact));
  EXPECT_EQ(table_.remove_over(bob, lost.flow, start), 0u);
  EXPECT_EQ(table_.remove_over("nobody@example.test", lost.flow, start), 0u);
}

// [USR-06] A binding past its time is invisible at once and freed within a minute of slices.
TEST_F(Locations, ExpiredBindingsAreInvisibleAtOnceAndFreedInSlices) {
  for (int i = 0; i < 500; ++i) {
    const std::string aor = "user" + std::to_string(i) + "@example.test";
    ASSERT_TRUE(update({put(binding("sip:short@192.0.2.1", 1, seconds(60))), put(binding("sip:long@192.0.2.1", 1))},
                       start, aor));
  }
  EXPECT_EQ(table_.expire(start + 59s), 0u);
  EXPECT_THAT(contacts(start + 60s, "user7@example.test"), ElementsAre("sip:long@192.0.2.1"));
  std::size_t freed = 0;
  for (int second = 0; second < 60; ++second) freed += table_.expire(start + 60s);
  EXPECT_EQ(freed, 500u);
  EXPECT_EQ(table_.bindings(), 500u);
  EXPECT_EQ(table_.addresses(), 500u);
  for (int second = 0; second < 60; ++second) table_.expire(start + 3600s);
  EXPECT_EQ(table_.addresses(), 0u);
  EXPECT_EQ(gauge("location.expired"), 1000);
}

// [USR-16] Users and contacts are published as numbers.
TEST_F(Locations, GaugesCountBindingsAndAddresses) {
  for (const char* user : {"a@x.test", "b@x.test", "c@x.test"})
    ASSERT_TRUE(update({put(binding("sip:p1@192.0.2.1", 1)), put(binding("sip:p2@192.0.2.1", 1))}, start, user));
  EXPECT_EQ(gauge("location.bindings"), 6);
  EXPECT_EQ(gauge("location.addresses"), 3);
}

// [USR-15] The operator looks up, adds and removes without any order rule.
TEST_F(Locations, OperatorAddsAndRemovesBindings) {
  ASSERT_TRUE(update({put(binding("sip:bob@192.0.2.1", 5))}));
  EXPECT_TRUE(table_.add(bob, binding("sip:bob@192.0.2.1", 1), start));
  EXPECT_TRUE(table_.add(bob, binding("sip:bob@192.0.2.2", 1), start));
  EXPECT_TRUE(table_.add(bob, binding("sip:bob@192.0.2.2", 1, seconds(90)), start));
  EXPECT_EQ(contacts().size(), 2u);
  // The phone's next refresh is welcome.
  EXPECT_TRUE(update({put(binding("sip:bob@192.0.2.1", 6))}));

  std::vector<Binding> found;
  table_.find(bob, start, found);
  EXPECT_TRUE(table_.remove(bob, found[0].id, start));
  EXPECT_FALSE(table_.remove(bob, found[0].id, start));
  EXPECT_THAT(contacts(), ElementsAre(found[1].contact));
  EXPECT_TRUE(table_.remove_aor(bob, start));
  EXPECT_FALSE(table_.remove_aor(bob, start));
}

// [USR-15] A dump visits what matches, up to a limit, and the visitor may use the table.
TEST_F(Locations, DumpFindsByPartOfTheAddressAndStopsAtItsLimit) {
  for (int i = 0; i < 30; ++i)
    ASSERT_TRUE(update({put(binding("sip:p@192.0.2.1", 1))}, start, "user" + std::to_string(i) + "@example.test"));
  const auto visited = [&](std::string_view needle, std::size_t limit, TimePoint now) {
    std::size_t count = 0;
    table_.for_each(needle, limit, now, [&](const std::string& aor, const Binding&) {
      EXPECT_THAT(contacts(now, aor), ElementsAre("sip:p@192.0.2.1"));
      ++count;
    });
    return count;
  };
  EXPECT_EQ(visited("user1", 100, start), 11u);
  EXPECT_EQ(visited("", 7, start), 7u);
  EXPECT_EQ(visited("", 100, start), 30u);
  EXPECT_EQ(visited("nobody", 100, start), 0u);
  EXPECT_EQ(visited("", 100, start + 3600s), 0u);
}

// [house 3b] State shared by all shards: striped locks, values copied out.
TEST_F(Locations, ShardsMayUseTheTableAtTheSameTime) {
  std::vector<std::thread> shards;
  for (unsigned lane = 0; lane < 4; ++lane)
    shards.emplace_back([this, lane] {
      Listing result;
      std::vector<Binding> found;
      for (std::uint32_t i = 1; i <= 400; ++i) {
        const std::string aor = "user" + std::to_string(i % 20) + "@example.test";
        const std::string contact = "sip:phone" + std::to_string(lane) + "@192.0.2.1";
        Binding b = binding(contact, i, seconds(i % 7 == 0 ? 1 : 3600), "call" + std::to_string(lane));
        b.user_agent = "agent " + std::to_string(i % 3);
        const std::vector<Change> changes{i % 11 == 0 ? remove(b) : put(b)};
        ASSERT_TRUE(table_.update(aor, changes, limits_, lane, start, result));
        table_.find(aor, start, found);
        table_.expire(start + 1s);
        if (i % 50 == 0) table_.for_each("user1", 10, start, [](const std::string&, const Binding&) {});
      }
    });
  for (auto& shard : shards) shard.join();
  EXPECT_LE(table_.bindings(), 80u);
  EXPECT_GE(table_.bindings(), 40u);
}

}  // namespace
}  // namespace bellhop::location
