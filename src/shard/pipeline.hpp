#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "auth/authenticator.hpp"
#include "config/snapshot.hpp"
#include "dialog/calls.hpp"
#include "observe/log.hpp"
#include "observe/metrics.hpp"
#include "proxy/proxy.hpp"
#include "registrar/registrar.hpp"
#include "request/answer.hpp"
#include "request/context.hpp"
#include "routing/own_user.hpp"
#include "routing/router.hpp"
#include "shard/late_answers.hpp"
#include "storage/directory.hpp"
#include "transaction/tables.hpp"

namespace bellhop::shard {

/// The way of a request through this server: a visible array of steps (pipeline.cpp), each of which lets it go on or
/// ends its walk with an answer, a forwarding or silence, and notes why in the decision record.
///
/// Order   RFC 3261 section 16.3 (syntax, scheme, hops, loop, Proxy-Require), then own routes, authentication, and what
/// the
///         request is for. Answers given before a request is forwarded need no state: repeats get the same answer
///         again.
/// Owner   one shard.
class Pipeline {
 public:
  struct Environment {
    const storage::Directory& directory;
    auth::Authenticator& authenticator;
    dialog::Calls& calls;
    registrar::Registrar& registrar;
    routing::Router& router;
    proxy::Proxy& proxy;
    transport::Layer& transport;
    transaction::ServerTransactions& servers;
    transaction::Output& output;
    const proxy::RouteTokens& tokens;
    observe::Log& log;
    observe::Metrics& metrics;
    net::TurnMark& mark;  ///< told the step under work
    std::uint64_t hash_seed;
    unsigned lane;  ///< journal lane: the shard's number
  };
  explicit Pipeline(const Environment& environment);

  /// `arrived`: when the kernel, or the shard that heard it, took it in.
  void on_request(const sip::Message& message, const net::Flow& from, const config::Snapshot& config, TimePoint arrived,
                  TimePoint now);
  void start_draining() { draining_ = true; }
  /// Sends the answers whose delay is over.
  void on_turn(TimePoint now) { late_.send_due(env_.output, now); }
  [[nodiscard]] TimePoint next_deadline() const { return late_.next_deadline(); }

 private:
  enum class Next : std::uint8_t { go_on, done };
  using Context = request::RequestContext;
  struct Step {
    const char* name;
    Next (Pipeline::*run)(Context&);
  };
  static const std::array<Step, 17> steps;

  Next match_transaction(Context& context);
  Next turn_away_scanners(Context& context);
  Next answer_cancel(Context& context);
  Next check_request_uri(Context& context);
  Next answer_own_options(Context& context);
  Next check_max_forwards(Context& context);
  Next check_loop(Context& context);
  Next check_proxy_require(Context& context);
  Next take_own_routes(Context& context);
  Next pass_ack(Context& context);
  Next refuse_while_draining(Context& context);
  Next refuse_while_overloaded(Context& context);
  Next authenticate(Context& context);
  Next check_credentials(Context& context, const config::Domain& domain, auth::Authenticator::Kind kind);
  Next authenticate_relay(Context& context);
  Next check_identity(Context& context);
  using Numbers = std::vector<std::string>;
  Next check_rights(Context& context, const routing::Decision& decision);
  Next check_barring(Context& context, const Numbers& numbers, const storage::Rights& rights);
  Next check_caps(Context& context, const Numbers& numbers, const storage::Rights& rights);
  void forget_call(Context& context);
  Next check_block_list(Context& context, const routing::Decision& decision);
  Next register_contacts(Context& context);
  Next follow_dialog(Context& context);
  Next route(Context& context);

  Next refuse(Context& context, const request::Refusal& refusal);
  Next refuse(Context& context, sip::StatusCode status, const char* reason = "") {
    return refuse(context, request::Refusal{status, reason, {}});
  }
  void answer(Context& context, sip::StatusCode status, std::string_view reason, std::string_view headers);
  /// Makes fewer header lines of those that were too long.
  using Shortening = std::string (*)(std::string_view lines);
  void answer_anybody(Context& context, sip::StatusCode status, std::string_view reason, std::string_view headers,
                      Shortening shortened);
  [[nodiscard]] std::string_view written_for_anybody(const Context& context, sip::StatusCode status,
                                                     std::string_view reason, std::string_view headers,
                                                     Shortening shortened);
  void send_back(Context& context, std::string_view octets);
  enum class When : std::uint8_t { now, late };
  Next challenge(Context& context, auth::Authenticator::Kind kind, const config::Domain& realm, bool stale,
                 const char* why, When when = When::now);
  Next wrong_credentials(Context& context, auth::Authenticator::Kind kind, const config::Domain& realm,
                         const auth::Authenticator::Outcome& outcome);
  [[nodiscard]] std::string_view written(const Context& context, sip::StatusCode status, std::string_view reason,
                                         std::string_view headers);
  Next redirect(Context& context, const routing::Decision& decision);
  Next pass_on(Context& context, routing::Decision& decision);
  [[nodiscard]] const config::Domain* domain_of(std::string_view host, const Context& context);
  [[nodiscard]] const config::Domain* authenticating_domain(Context& context);
  [[nodiscard]] bool names_user_of_ours(const Context& context);
  void take_alias(Context& context) const;
  [[nodiscard]] bool relay_allowed(Context& context, const routing::Decision& decision) const;
  [[nodiscard]] bool is_emergency(const Context& context) const;
  [[nodiscard]] unsigned percent_refused(const Context& context) const;
  [[nodiscard]] bool is_granted_identity(const Context& context) const;
  [[nodiscard]] const routing::OwnUser* own_user_of(const sip::Uri& uri, const Context& context);
  [[nodiscard]] bool is_account_name(const sip::NameAddr& address, const Context& context);
  [[nodiscard]] proxy::ForwardFacts facts_for(const Context& context) const;

  Environment env_;
  bool draining_ = false;
  config::Domain stored_domain_;  ///< scratch: a domain that only the account store names
  request::AnswerWriter answers_;
  LateAnswers late_;
  std::string tag_, feedback_, lines_, aor_;  ///< scratch
  routing::OwnUser own_user_;                 ///< of own_user_uri_, of the request at hand
  std::string_view own_user_uri_;
  crypto::A2Hashes known_a2_;
  observe::Counter& requests_;
  observe::Counter& challenges_;
  observe::Counter& refusals_;
  observe::Counter& withheld_;
  observe::Counter& scanners_;
  observe::Counter& overload_refusals_;
};

}  // namespace bellhop::shard
