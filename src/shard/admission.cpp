// Who is let in, and what they may: the steps of the pipeline between the route set and what the request is for.
#include <fmt/format.h>

#include <algorithm>

#include "base/hash.hpp"
#include "base/text.hpp"
#include "config/texts.hpp"
#include "request/overload.hpp"
#include "shard/pipeline.hpp"
#include "transport/reply.hpp"

namespace bellhop::shard {

using observe::Level;
using observe::Tag;
using sip::HeaderId;
using sip::Method;
using Decide = observe::Step;

// ---- who is not heard

/// RT-03. Tools that look for open doors say their name more often than one would think.
Pipeline::Next Pipeline::turn_away_scanners(Context& context) {
  const config::Guard& guard = context.config.guard;
  const std::string_view agent = context.message.value_of(HeaderId::user_agent);
  if (agent.empty() || context.peer != nullptr || !context.config.is_scanner(agent)) return Next::go_on;
  if (!env_.transport.judges(context.from, context.now)) return Next::go_on;
  scanners_.add();
  if (guard.scanner_answer == config::ScannerAnswer::ok) {
    if (context.method() != Method::ack) answer(context, 200, {}, {});
    return Next::done;
  }
  env_.transport.count(guard::Evidence::scanner, context.from, !context.from.is_stream(),
                       fmt::format(FMT_STRING("User-Agent: {}"), agent), context.now);
  return guard.shadow ? Next::go_on : Next::done;
}

Pipeline::Next Pipeline::refuse_while_draining(Context& context) {
  if (!draining_ || context.in_dialog) return Next::go_on;
  return refuse(context, {503, "", "Retry-After: 5\r\n"});
}

bool Pipeline::is_emergency(const Context& context) const {
  if (context.method() != Method::invite) return false;
  const auto& numbers = context.config.overload.emergency;
  const auto& uri = context.target();
  return uri && std::find(numbers.begin(), numbers.end(), uri->user) != numbers.end();
}

/// What new calls find at this moment.
unsigned Pipeline::percent_refused(const Context& context) const {
  const Duration step = context.config.overload.delay;
  return request::percent_refused(context.queue_delay, step, step);
}

/// Admission by queue delay: the longer this request has waited, the more of its kind are refused, and always the same
/// ones when they are repeated. What belongs to a call goes on, a phone that keeps its registration up goes before new
/// calls, and an emergency call before all.
Pipeline::Next Pipeline::refuse_while_overloaded(Context& context) {
  const config::Overload& overload = context.config.overload;
  const Duration delay = context.queue_delay;
  if (overload.delay == Duration::zero() || delay <= overload.delay || context.in_dialog || context.by_path)
    return Next::go_on;
  if (is_emergency(context)) return Next::go_on;
  // A refresh brings its credentials with it: it is let in until four times as much has piled up.
  const bool refresh = context.method() == Method::register_ && context.message.has(HeaderId::authorization);
  const Duration from = refresh ? 4 * overload.delay : overload.delay;
  const std::uint64_t dice = hash64(context.message.call_id(), env_.hash_seed);
  if (dice % 100 >= request::percent_refused(delay, from, overload.delay)) return Next::go_on;
  overload_refusals_.add();
  context.record.note(Decide::overload, "503");
  const auto least = overload.retry_after / seconds(1);
  const auto wait = least + static_cast<std::int64_t>((dice >> 32) % static_cast<std::uint64_t>(least + 1));
  return refuse(context, {503, "", fmt::format(FMT_STRING("Retry-After: {}\r\n"), wait)});
}

/// Whose credentials are asked for: the domain of the caller, else that of the callee. Null: nobody's here.
const config::Domain* Pipeline::authenticating_domain(Context& context) {
  if (context.method() == Method::register_) {
    if (const auto* to = domain_of(context.message.to().uri.host, context)) return to;
  }
  if (const auto* from = domain_of(context.message.from().uri.host, context)) return from;
  const auto& target = context.target();
  return target ? domain_of(target->host, context) : nullptr;
}

Pipeline::Next Pipeline::authenticate(Context& context) {
  if (context.in_dialog || context.by_path || context.method() == Method::cancel) return Next::go_on;
  const config::Domain* domain = authenticating_domain(context);
  const bool registering = context.method() == Method::register_;
  if (domain == nullptr || domain->authenticate == config::Authenticate::none) return Next::go_on;
  if (domain->authenticate == config::Authenticate::register_only && !registering) return Next::go_on;
  if (!registering && context.peer != nullptr) {
    context.record.note(Decide::authentication, "peer", context.peer->name);
    // Its certificate stands for credentials: the guard knows it by them, as it knows others by their networks.
    if (context.config.peer_at(context.from.remote.address) == nullptr)
      env_.transport.authenticated(context.from, context.now);
    return Next::go_on;
  }
  return check_credentials(context, *domain,
                           registering ? auth::Authenticator::Kind::www : auth::Authenticator::Kind::proxy);
}

Pipeline::Next Pipeline::check_credentials(Context& context, const config::Domain& domain,
                                           auth::Authenticator::Kind kind) {
  using auth::Authenticator;
  if (late_.waiting(context.message, context.from)) return Next::done;
  auto outcome =
      env_.authenticator.check(context.message, kind, domain, context.config.auth, context.now, context.from.remote,
                               (context.sender & config::Workaround::bad_bye_auth) != 0, &known_a2_);
  switch (outcome.verdict) {
    case Authenticator::Verdict::passed: break;
    case Authenticator::Verdict::forbidden:
      context.record.note(Decide::authentication, "forbidden", outcome.user);
      return refuse(context, 403);
    case Authenticator::Verdict::bad_request:
      context.record.note(Decide::authentication, "400", outcome.reason);
      return refuse(context, 400, "Bad Credentials");
    case Authenticator::Verdict::missing: return challenge(context, kind, domain, false, "");
    case Authenticator::Verdict::stale: return challenge(context, kind, domain, true, "stale nonce");
    case Authenticator::Verdict::wrong: return wrong_credentials(context, kind, domain, outcome);
  }
  context.authenticated = true;
  context.account = std::move(outcome.user);
  context.account_domain = std::move(outcome.domain);
  context.record.note(Decide::authentication, "passed", context.account);
  env_.transport.authenticated(context.from, context.now, outcome.name);
  return Next::go_on;
}

/// CGP-47: answered like no credentials at all, but late; too many end in a ban.
Pipeline::Next Pipeline::wrong_credentials(Context& context, auth::Authenticator::Kind kind,
                                           const config::Domain& realm, const auth::Authenticator::Outcome& outcome) {
  env_.transport.count(guard::Evidence::credentials, context.from,
                       !context.from.is_stream() && !outcome.heard_challenge,
                       fmt::format(FMT_STRING("{} {}: {}"), context.message.method_text(),
                                   context.message.from().uri.text, outcome.reason),
                       context.now, outcome.name);
  return challenge(context, kind, realm, false, outcome.reason, When::late);
}

/// Relay is for our users and nobody else here: who is one may show it now (CGP-51). A From of ours must then be his
/// own; one of another domain is none of our business.
Pipeline::Next Pipeline::authenticate_relay(Context& context) {
  context.record.note(Decide::relay_policy, "credentials wanted", "not a client");
  if (context.config.domains.empty()) return refuse(context, 403, "Not relaying");
  const config::Domain* from = domain_of(context.message.from().uri.host, context);
  const config::Domain& realm = from != nullptr ? *from : context.config.domains.front();
  if (const Next next = check_credentials(context, realm, auth::Authenticator::Kind::www); next != Next::go_on)
    return next;
  return from != nullptr ? check_identity(context) : Next::go_on;
}

bool Pipeline::is_account_name(const sip::NameAddr& address, const Context& context) {
  const routing::OwnUser* named = own_user_of(address.uri, context);
  if (named == nullptr || named->domain != context.account_domain) return false;
  return env_.directory.is_name_of(named->user, context.account, context.account_domain) ||
         named->user == routing::fold_user(context.account, context.config.registrar);
}

/// An address that the account was explicitly given for its From; registering under it is another matter.
bool Pipeline::is_granted_identity(const Context& context) const {
  if (context.method() == Method::register_) return false;
  const auto rights = env_.directory.rights(context.account, context.account_domain);
  const sip::Uri& from = context.message.from().uri;
  const std::string address = fmt::format(FMT_STRING("{}@{}"), from.user, from.host);
  return std::any_of(rights.identities.begin(), rights.identities.end(),
                     [&](const std::string& granted) { return equals_ignore_case(granted, address); });
}

/// Who authenticated must be who is named: From, and To of a REGISTER (threats 58; third-party registration is not
/// offered).
Pipeline::Next Pipeline::check_identity(Context& context) {
  if (!context.authenticated) return Next::go_on;
  const bool own_name =
      is_account_name(context.message.from(), context) &&
      (context.method() != Method::register_ || context.message.to().uri.text == context.message.from().uri.text ||
       is_account_name(context.message.to(), context));
  if (own_name || is_granted_identity(context)) return Next::go_on;
  context.record.note(Decide::identity, "403", context.message.from().uri.text);
  env_.log(Tag::auth, Level::problems, "identity refused source={} account={}@{} from={}",
           context.from.remote.to_string(), context.account, context.account_domain,
           quoted_for_log(context.message.from().uri.text));
  return refuse(context, 403);
}

namespace {

/// The last of these lines alone, and without what proves that it was heard.
std::string last_challenge(std::string_view lines) {
  std::string last(lines.substr(lines.rfind('\n', lines.size() - 2) + 1));
  if (const auto stamp = last.find(", opaque="); stamp != std::string::npos) last.erase(stamp, last.size() - stamp - 2);
  return last;
}

}  // namespace

/// 401 or 407: stateless, sent once (threats 55, 66). Of several algorithms a request too small for all is told the
/// last, MD5, which every phone knows.
Pipeline::Next Pipeline::challenge(Context& context, auth::Authenticator::Kind kind, const config::Domain& realm,
                                   bool stale, const char* why, When when) {
  challenges_.add();
  if (*why != '\0')
    env_.log(Tag::auth, Level::problems, "credentials refused source={} method={} realm={} from={} reason=\"{}\"",
             context.from.remote.to_string(), context.message.method_text(), realm.name,
             quoted_for_log(context.message.from().uri.text), why);
  context.record.note(Decide::authentication, "challenged", realm.name);
  lines_.clear();
  if (context.config.auth.advertise_digest)
    env_.authenticator.append_challenge(lines_, context.message, kind, realm, context.config.auth, stale, context.now,
                                        context.from.is_stream() ? Endpoint{} : context.from.remote);
  const sip::StatusCode status = kind == auth::Authenticator::Kind::www ? 401 : 407;
  const std::string_view octets = written_for_anybody(context, status, {}, lines_, last_challenge);
  const Duration delay = context.config.guard.failed_login_delay;
  if (octets.empty()) return Next::done;
  if (when == When::now || delay == Duration::zero()) {
    send_back(context, octets);
  } else {
    late_.add(context.message, context.from, transport::reply_flow(context.message.top_via(), context.from), octets,
              context.now + delay);
  }
  return Next::done;
}

// ---- what the caller may

namespace {

bool any_matches(const std::vector<std::string>& patterns, const std::vector<std::string>& texts) {
  return std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) {
    return std::any_of(texts.begin(), texts.end(),
                       [&](const std::string& text) { return config::matches(pattern, text); });
  });
}

/// A user part without escapes, and a telephone number without its visual separators (RFC 3966 section 5.1.1): however
/// it is written, it is the same number.
std::string dialled_number(std::string_view user) {
  std::string number = sip::unescape(user);
  number.resize(std::min(number.find(';'), number.size()));  // parameters of a telephone number
  if (number.find_first_not_of("0123456789+*#-.()") != std::string::npos) return number;
  std::erase_if(number, [](char c) { return c == '-' || c == '.' || c == '(' || c == ')'; });
  return number;
}

bool in_any(const std::vector<std::string>& groups, const storage::Rights& rights) {
  return std::any_of(groups.begin(), groups.end(), [&](const std::string& group) { return rights.in_group(group); });
}

}  // namespace

/// Barring and caps (MOD-02, KAM-40) of whoever begins a call or sends a message, once it is known who that is and
/// where it goes. Peers answer for their users themselves.
Pipeline::Next Pipeline::check_rights(Context& context, const routing::Decision& decision) {
  const Method method = context.method();
  const config::Snapshot& config = context.config;
  if ((config.barrings.empty() && config.caps.empty()) || context.peer != nullptr || context.in_dialog)
    return Next::go_on;
  if (method != Method::invite && method != Method::message && method != Method::refer) return Next::go_on;
  // What was asked for, and what it became on the way: "%" in an address may hide the number that is called in the end.
  // An alias of ours is the operator's own word.
  std::vector<std::string> numbers;
  const auto add = [&](std::string_view text) {
    if (const auto uri = sip::parse_uri(text)) numbers.push_back(dialled_number(uri->user));
  };
  add(context.target_uri);
  if (decision.to_remote && !decision.by_rule && !decision.destinations.empty()) add(decision.destinations.front().uri);
  const storage::Rights rights =
      context.authenticated ? env_.directory.rights(context.account, context.account_domain) : storage::Rights{};
  if (const Next next = check_barring(context, numbers, rights); next != Next::go_on) return next;
  return method == Method::invite && context.authenticated ? check_caps(context, numbers, rights) : Next::go_on;
}

Pipeline::Next Pipeline::check_barring(Context& context, const Numbers& numbers, const storage::Rights& rights) {
  const auto& barrings = context.config.barrings;
  for (const std::string& number : numbers) {  // each by itself: one that is allowed opens no way to the other
    const auto barring = std::find_if(barrings.begin(), barrings.end(),
                                      [&](const config::Barring& b) { return any_matches(b.numbers, {number}); });
    if (barring == barrings.end() || in_any(barring->groups, rights)) continue;
    context.record.note(Decide::rights, "barred", barring->name);
    return refuse(context, 403, "Barred");
  }
  return Next::go_on;
}

Pipeline::Next Pipeline::check_caps(Context& context, const Numbers& numbers, const storage::Rights& rights) {
  std::vector<dialog::Limit> limits;
  for (const config::Cap& cap : context.config.caps)
    if ((cap.numbers.empty() || any_matches(cap.numbers, numbers)) &&
        (cap.groups.empty() || in_any(cap.groups, rights)))
      limits.push_back({cap.name, cap.calls, cap.calls_per_hour});
  if (limits.empty()) return Next::go_on;
  const std::uint64_t call = dialog::call_name(context.message.call_id(), context.message.from_tag(), env_.hash_seed);
  const std::string account = fmt::format(FMT_STRING("{}@{}"), context.account, context.account_domain);
  if (const dialog::Limit* used_up = env_.calls.begin(call, account, limits, context.now)) {
    context.record.note(Decide::rights, "cap used up", used_up->name);
    return refuse(context, 403, "Call Limit Reached");
  }
  context.call = call;
  return Next::go_on;
}

void Pipeline::forget_call(Context& context) {
  if (context.call != 0) env_.calls.end(context.call);
  context.call = 0;
}

/// The callee's own list of those it does not want to hear (MOD-04).
Pipeline::Next Pipeline::check_block_list(Context& context, const routing::Decision& decision) {
  if (decision.callee_user.empty() || context.in_dialog) return Next::go_on;
  const auto rights = env_.directory.rights(decision.callee_user, decision.callee_domain);
  if (rights.blocked.empty()) return Next::go_on;
  // However it writes its name, and as whom it authenticated.
  std::vector<std::string> callers;
  const sip::Uri& from = context.message.from().uri;
  callers.push_back(dialled_number(from.user));
  callers.push_back(fmt::format(FMT_STRING("{}@{}"), callers.front(), from.host));
  if (const auto address = routing::resolve_address(from, context.config, env_.directory); address && address->local())
    callers.push_back(fmt::format(FMT_STRING("{}@{}"), address->user, address->local_name()));
  if (context.authenticated)
    callers.push_back(fmt::format(FMT_STRING("{}@{}"), context.account, context.account_domain));
  if (!any_matches(rights.blocked, callers)) return Next::go_on;
  context.record.note(Decide::rights, "blocked by the callee");
  return refuse(context, 403, "Blocked");
}

}  // namespace bellhop::shard
