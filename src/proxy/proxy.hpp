#pragma once

#include <boost/container/small_vector.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/slot.hpp"
#include "base/text.hpp"
#include "config/snapshot.hpp"
#include "crypto/token.hpp"
#include "dialog/calls.hpp"
#include "net/resolver.hpp"
#include "net/timer.hpp"
#include "observe/log.hpp"
#include "observe/metrics.hpp"
#include "proxy/fork.hpp"
#include "proxy/forwarding.hpp"
#include "proxy/neighbour_load.hpp"
#include "proxy/route_token.hpp"
#include "request/answer.hpp"
#include "request/context.hpp"
#include "routing/router.hpp"
#include "sip/edits.hpp"
#include "transaction/octets.hpp"
#include "transaction/tables.hpp"
#include "transport/avoided.hpp"
#include "transport/layer.hpp"
#include "transport/locate.hpp"

namespace bellhop::proxy {

/// The proxy core of one shard (RFC 3261 section 16): forwards requests statefully through forks or statelessly, brings
/// responses back, cancels losers, answers when nobody did.
///
/// Owner   one shard. Everything that outlives a call is a value in a SlotMap; timers and look-ups come back with its
/// id. Memory  a ringing call: the octets of the received request, one client transaction per branch, one server
/// transaction.
class Proxy {
 public:
  struct Environment {
    transport::Layer& transport;
    transaction::Output& output;
    transaction::ServerTransactions& servers;
    transaction::ClientTransactions& clients;
    net::Resolver& resolver;
    net::Resolver::Asker& asker;
    transport::Avoided& avoided;
    dialog::Calls& calls;
    net::TimerWheel& wheel;
    observe::Log& log;
    observe::Metrics& metrics;
    const RouteTokens& tokens;
    crypto::Key key;          ///< the server's own; the proxy takes subkeys for To tags and stateless branches
    std::uint64_t hash_seed;  ///< for loop detection
  };
  Proxy(const Environment& environment, config::SnapshotPtr config);
  ~Proxy();
  void apply(config::SnapshotPtr config);
  /// How many shards send to the same neighbours.
  void set_shards(std::size_t shards) { load_.set_shards(shards); }

  /// Forwards with a server transaction and a fork. `destinations` is not empty. False: the object limit is reached and
  /// the request must be dropped in silence (CGP-35).
  [[nodiscard]] bool forward(request::RequestContext& context, std::vector<routing::Destination> destinations,
                             ForwardFacts facts);
  /// Forwards without state (RFC 3261 section 16.11): the stateless mode, and every ACK (section 16.6, CGP-03).
  void forward_statelessly(request::RequestContext& context, const routing::Destination& destination,
                           const ForwardFacts& facts);
  /// A request came back: our Via with this request's loop value is in it (RFC 5393 section 4).
  [[nodiscard]] bool is_loop(const sip::Message& request) const;

  void on_response(const sip::Message& response, const transaction::ClientTransactions::Match& match, TimePoint now);
  /// A response to something sent statelessly: passed on by its next Via when our branch proves it ours (CGP-02).
  /// False: drop it.
  bool on_stateless_response(const sip::Message& response, const net::Flow& from, TimePoint now);
  /// A CANCEL for this INVITE transaction was answered 200: what it started is to end.
  void on_cancel(SlotId server_transaction, TimePoint now);
  void on_client_failure(SlotId client, SlotId fork, bool timed_out, TimePoint now);
  void on_answer(std::uint64_t key, const net::AnswerPtr& answer, TimePoint now);
  void on_timer(std::uint64_t token, TimePoint now);

  /// A To tag for responses of our own that needs no memory: keyed hash of the request's identity. Appends to `out`.
  void append_to_tag(std::string& out, const sip::Message& request) const;
  /// Whether this To tag was made by append_to_tag for a request with the same Call-ID, From tag and CSeq number: the
  /// ACK to an answer we gave without state.
  [[nodiscard]] bool is_own_to_tag(const sip::Message& ack) const;

  [[nodiscard]] std::size_t forks() const;
  /// For the monitor: the Request-URI of a request under way as it came, or, with a client transaction, the target it
  /// goes to. Empty when it is over. A view into the fork.
  [[nodiscard]] std::string_view uri_of(SlotId fork, SlotId client = {}) const;

 private:
  /// What a branch wants to know of the DNS. It keeps what it heard, as some answers are not cached.
  struct LookUps {
    std::vector<net::AnswerPtr> answers;
    std::size_t asked = 0, open = 0;
  };
  /// What the present target of a branch has said (RFC 3263 section 4.3 asks whether it was ever heard).
  enum class Heard : std::uint8_t { nothing, trying, progress };
  /// One target under way.
  struct Branch {
    routing::Destination destination;
    SlotId client{};               ///< invalid until sent
    transport::Targets targets{};  ///< addresses of the next hop, in order
    std::size_t next_target = 0;
    std::unique_ptr<LookUps> look_ups{};
    Heard heard = Heard::nothing;
    bool size_switched = false;  ///< went to TCP for its size; UDP is the fall-back (RFC 3261 section 18.1.1)
    bool force_udp = false;
    Endpoint peer{};         ///< when it is one: what it asserts is believed (RFC 3325); port 0: none
    bool flow_lost = false;  ///< its flow is gone: what is tried instead leads there only by luck
    bool natted = false;     ///< who answers stands behind NAT, where the destination's flow leads
  };
  /// The best response so far, our Via taken off, and header lines of other branches' 401/407.
  struct Best {
    std::string response, challenges;
  };
  /// One forwarded request under way: everything about it that outlives its walk through the pipeline.
  struct Forwarding {
    Forwarding(const sip::Message& message, const net::Flow& source, const Fork::Settings& settings);
    /// Of the start line.
    [[nodiscard]] std::string_view method_text() const { return request.view().substr(0, request.view().find(' ')); }
    [[nodiscard]] std::string_view request_uri_text() const;

    SlotId id{};
    transaction::Octets request;  ///< as it came; request_of() reads it again
    std::string_view call_id;     ///< in `request`
    std::size_t via_count;
    sip::Method method;
    bool begins_dialog;        ///< its To has no tag
    std::uint16_t reply_port;  ///< where responses go, with the address of `from`
    net::Flow from;
    SlotId server{};
    Fork fork;
    ForwardFacts facts;
    boost::container::small_vector<Branch, 1> branches;
    std::unique_ptr<Best> best;
    std::uint64_t loop = 0;
    observe::DecisionRecord record;
    bool at_limit = false;  ///< a branch found no room among our client transactions (CGP-49)
    /// The request's Contact names us; what comes back for it is the caller's own (CGP-67).
    bool contact_replaced = false;
  };
  /// What a response needs to know of the way it takes back.
  struct WayBack {
    config::Workarounds caller = 0;  ///< what the device that sent the request needs
    bool from_peer = false;          ///< the response
    bool to_peer = false;
    bool contact_replaced = false;
    const net::Flow* natted_at = nullptr;  ///< who answers stands behind NAT there
    std::string_view epid{};               ///< of the caller's From
  };
  /// What is left of a call that was answered 2xx while repeats of that may still come (RFC 6026 section 8.7).
  struct Afterwards {
    explicit Afterwards(const Forwarding& forwarding);
    struct Branch {
      SlotId client;
      std::unique_ptr<net::Flow> natted_at;  ///< seldom, and large
      bool peer;
    };
    boost::container::small_vector<Branch, 1> branches;
    std::unique_ptr<std::string> caller_epid;  ///< seldom
    net::Flow reply_to;
    SlotId server;
    std::uint16_t via_count;
    config::Workarounds sender;
    bool from_peer, contact_replaced;
  };
  /// Where a forwarded request has its id: under way, or afterwards.
  struct Place {
    net::Timer timer{};
    std::unique_ptr<Forwarding> forwarding{};
    std::unique_ptr<Afterwards> afterwards{};
  };

  /// Null when it is over or only repeats are awaited.
  [[nodiscard]] Forwarding* find(SlotId id) {
    Place* place = places_.find(id);
    return place != nullptr ? place->forwarding.get() : nullptr;
  }
  void keep_request(Forwarding& forwarding, const sip::Message& message);
  [[nodiscard]] const sip::Message& request_of(const Forwarding& forwarding);
  [[nodiscard]] static net::Flow reply_flow_of(const Forwarding& forwarding);
  void act(SlotId id, Forwarding& forwarding, const Fork::Action& action, const sip::Message* response, TimePoint now);
  void drain(SlotId id, const sip::Message* response, TimePoint now);
  void finish(SlotId id, TimePoint now);
  void pass_repeat(const Afterwards& after, SlotId client, const sip::Message& response, TimePoint now);

  // Branches.
  void start_branch(SlotId id, Forwarding& forwarding, std::uint16_t index, TimePoint now);
  [[nodiscard]] bool find_targets(SlotId id, Forwarding& forwarding, std::uint16_t index, TimePoint now);
  using ParsedUri = Result<sip::Uri, sip::UriError>;
  [[nodiscard]] const ParsedUri& parsed(std::string_view uri, const sip::Message& request);
  [[nodiscard]] static Result<transport::NextHop, sip::StatusCode> next_hop(const ParsedUri& uri,
                                                                            const routing::Destination& destination);
  [[nodiscard]] std::optional<transport::Target> plain_target(const ParsedUri& uri,
                                                              const routing::Destination& destination) const;
  [[nodiscard]] transport::Location locate(const transport::NextHop& hop, const sip::Message& request,
                                           const std::vector<net::AnswerPtr>& at_hand, TimePoint now) const;
  [[nodiscard]] bool ask(SlotId id, Branch& branch, std::uint16_t index, const std::vector<net::Question>& questions,
                         TimePoint now);
  [[nodiscard]] bool try_next_target(SlotId id, Forwarding& forwarding, std::uint16_t index, TimePoint now);
  [[nodiscard]] bool try_alternate(SlotId id, Forwarding& forwarding, std::uint16_t index, TimePoint now);
  void note_response(Branch& branch, const sip::Message& response, TimePoint now);
  void send_branch(SlotId id, Forwarding& forwarding, std::uint16_t index, TimePoint now);
  void fail_branch(Forwarding& forwarding, std::uint16_t index, sip::StatusCode stands_for, TimePoint now);
  [[nodiscard]] std::optional<net::Flow> next_flow(Forwarding& forwarding, Branch& branch, TimePoint now);
  [[nodiscard]] std::optional<net::Flow> flow_of_binding(Branch& branch) const;
  /// A request on its way: what came, and where it goes.
  struct Passage {
    const sip::Message& request;
    const ForwardFacts& facts;
    const net::Flow& from;
    const net::Flow& to;
    const routing::Destination& destination;
    std::string_view sent_by;  ///< our name towards it
    bool to_peer = false;
  };
  [[nodiscard]] bool stays_in_path(const Passage& passage) const;
  [[nodiscard]] std::string_view sent_by(const net::Flow& to);
  void write_request(const Passage& passage);
  void write_via(const Passage& passage);
  void write_record_route(std::string& out, const Passage& passage) const;
  void write_path(std::string& out, const Passage& passage) const;
  [[nodiscard]] bool replaces_contact(const Passage& passage) const;
  [[nodiscard]] ContactEdits contact_edits(const Passage& passage);
  [[nodiscard]] bool exceeds_udp_limit(const net::Flow& flow, std::size_t size) const;
  void follow_redirection(Forwarding& forwarding, const sip::Message& response);

  // Without state.
  static constexpr std::uint64_t nobody = ~std::uint64_t{0};  ///< key of questions whose answers only go into the cache
  [[nodiscard]] static bool is_sips(std::string_view uri) {
    return !uri.starts_with("sip:") && starts_with_ignore_case(uri, "sips:");
  }
  static constexpr std::string_view stateless_mark = "z9hG4bKbhs";
  [[nodiscard]] std::optional<net::Flow> flow_without_state(const request::RequestContext& context,
                                                            const routing::Destination& destination,
                                                            const ForwardFacts& facts);
  void append_stateless_branch(std::string& out, const sip::Message& request);

  // Responses.
  void forward_response(Forwarding& forwarding, std::uint16_t index, const sip::Message& response, TimePoint now);
  void keep_best(Forwarding& forwarding, std::uint16_t index, const sip::Message& response);
  static void add_challenges(Forwarding& forwarding, const sip::Message& response);
  [[nodiscard]] static Best& best_of(Forwarding& forwarding);
  void answer_best(Forwarding& forwarding, TimePoint now);
  void answer_own(Forwarding& forwarding, sip::StatusCode status, TimePoint now);
  void send_trying(Forwarding& forwarding, const sip::Message& request, TimePoint now);
  void strip_own_via(std::string& out, const sip::Message& response, const net::Flow& from);
  [[nodiscard]] static WayBack way_back(const Forwarding& forwarding, std::uint16_t index);
  void write_response(std::string& out, const WayBack& way, const sip::Message& response);
  [[nodiscard]] std::optional<std::uint16_t> branch_of(const Forwarding& forwarding, SlotId client) const;
  [[nodiscard]] sip::FieldNames names() const {
    return config_->sip.short_field_names ? sip::FieldNames::compact : sip::FieldNames::as_received;
  }

  Environment env_;
  const crypto::Key tag_key_, stateless_key_;
  config::SnapshotPtr config_;
  const transport::Reach reach_;  ///< listeners do not change while we run
  SlotMap<Place> places_;
  transaction::OctetPool octet_pool_;
  std::size_t under_way_ = 0;  ///< those that do not only linger
  /// The request that request_of() gave last: the one that just came, or one that was read again.
  const sip::Message* at_hand_ = nullptr;
  SlotId at_hand_of_{};
  sip::Message read_again_;
  ParsedUri parsed_uri_ = failure(sip::UriError::empty);
  sip::Edits edits_;
  request::AnswerWriter answers_;
  std::string buffer_, via_, sent_by_, facts_text_, record_route_, path_, contact_;
  Fork::Actions actions_;
  NeighbourLoad load_;
  observe::Counter& forwarded_;
  observe::Counter& stateless_;
  observe::Counter& answered_by_us_;
  observe::Counter& failovers_;
};

}  // namespace bellhop::proxy
