#include "config/settings.hpp"

#include "config/texts.hpp"

namespace bellhop::config {

namespace {

constexpr Change live = Change::live;
constexpr Change restart = Change::restart;
constexpr bool once = false, many = true;
constexpr std::size_t kib = 1024, mib = 1024 * 1024;

constexpr Choice<sip::Transport, 5> transports{{{{"udp", sip::Transport::udp},
                                                 {"tcp", sip::Transport::tcp},
                                                 {"tls", sip::Transport::tls},
                                                 {"ws", sip::Transport::ws},
                                                 {"wss", sip::Transport::wss}}}};
constexpr Choice<Authenticate, 3> authenticate_words{
    {{{"all", Authenticate::all}, {"register", Authenticate::register_only}, {"none", Authenticate::none}}}};
constexpr Choice<ProxyMode, 3> modes{
    {{{"stateful", ProxyMode::stateful}, {"stateless", ProxyMode::stateless}, {"redirect", ProxyMode::redirect}}}};
constexpr Choice<RecordRoute, 2> record_route_words{
    {{{"always", RecordRoute::always}, {"when-needed", RecordRoute::when_needed}}}};
constexpr Choice<RelayFor, 3> relay_words{
    {{{"anybody", RelayFor::anybody}, {"clients", RelayFor::clients}, {"nobody", RelayFor::nobody}}}};
constexpr Choice<ClientCertificate, 3> client_certificate_words{{{{"none", ClientCertificate::none},
                                                                  {"optional", ClientCertificate::optional},
                                                                  {"required", ClientCertificate::required}}}};
constexpr Choice<TlsVersion, 2> tls_versions{{{{"1.2", TlsVersion::tls12}, {"1.3", TlsVersion::tls13}}}};
constexpr Choice<ScannerAnswer, 2> scanner_answers{{{{"drop", ScannerAnswer::drop}, {"ok", ScannerAnswer::ok}}}};
constexpr Choice<PathMode, 3> path_modes{
    {{{"off", PathMode::off}, {"lazy", PathMode::lazy}, {"strict", PathMode::strict}}}};

constexpr Choice<LostConnection, 2> lost_connection_words{
    {{{"dormant", LostConnection::dormant}, {"remove", LostConnection::remove}}}};

constexpr Choice<Ping, 3> pings{{{{"none", Ping::none}, {"crlf", Ping::crlf}, {"options", Ping::options}}}};
constexpr WordSet<4> nat_signs{{{{"contact-address", NatSign::contact_address},
                                 {"private-contact", NatSign::private_contact},
                                 {"via-address", NatSign::via_address},
                                 {"via-port", NatSign::via_port}}},
                               ""};
constexpr WordSet<12> workaround_words{{{{"fix-contacts", Workaround::fix_contacts},
                                         {"no-tcp", Workaround::no_tcp},
                                         {"no-maddr", Workaround::no_maddr},
                                         {"no-path", Workaround::no_path},
                                         {"bad-bye-auth", Workaround::bad_bye_auth},
                                         {"needs-epid", Workaround::needs_epid},
                                         {"bad-update", Workaround::bad_update},
                                         {"tcp-ping", Workaround::tcp_ping},
                                         {"microsoft", 0},
                                         {"sub-presence", 0},
                                         {"no-sub-mwi", 0},
                                         {"active-hold", 0}}},
                                       "is a workaround that is not supported yet"};
/// Those that are about what we send to a site; the others are about who sends to us, and need its User-Agent.
constexpr WordSet<8> site_workaround_words{{{{"no-tcp", Workaround::no_tcp},
                                             {"no-maddr", Workaround::no_maddr},
                                             {"no-path", Workaround::no_path},
                                             {"fix-contacts", 0},
                                             {"bad-bye-auth", 0},
                                             {"needs-epid", 0},
                                             {"bad-update", 0},
                                             {"tcp-ping", 0}}},
                                           "is a workaround for what a device sends, so it belongs into a [[device]]"};

constexpr Text host{host_fault, "host name", /*fold=*/true};
constexpr Text user{user_fault, "user name"};
constexpr Text path{path_fault, "path"};

void add_sip_timers(Section<Sip>& section) {
  section
      .may("t1", &Sip::t1, Span{50ms, 10s}, live, "RFC 3261 17.1.1.1", "Estimate of the round trip: the first repeat.")
      .may("t2", &Sip::t2, Span{100ms, 60s}, live, "RFC 3261 17.1.2.2", "The longest interval between repeats.")
      .may("t4", &Sip::t4, Span{100ms, 60s}, live, "RFC 3261 17.1.2.2", "How long a message stays in the network.")
      .may("timer_b", &Sip::timer_b, Span{1s, 180s}, live, "CGP-53, RFC 3261 17.1.1.2",
           "How long an INVITE waits for its first response. The standard says 32s; less finds the next target sooner.")
      .may("timer_c", &Sip::timer_c, Span{1s, 24h}, live, "RFC 3261 16.6",
           "How long a call may ring. The standard asks for more than 3 minutes.")
      .may("cancel_wait", &Sip::cancel_wait, Span{100ms, 180s}, live, "CGP-54",
           "After a CANCEL, how long a callee may take to answer 487 before we answer in its place.");
}

void add_sip_messages(Section<Sip>& section) {
  section
      .may("always_trying", &Sip::always_trying, Flag{}, live, "CGP-44",
           "Answer each INVITE with 100 Trying before anything else is done.")
      .may("trying_on_resend", &Sip::trying_on_resend, Flag{}, live, "CGP-43, RFC 4320",
           "Answer 100 Trying to requests other than INVITE when they are repeated.")
      .may("short_field_names", &Sip::short_field_names, Flag{}, live, "CGP-30, RFC 3261 7.3.3",
           "Write header names in their compact forms.")
      .may("udp_limit_lan", &Sip::udp_limit_lan, Size{512, 65535}, live, "CGP-31, RFC 3261 18.1.1",
           "Requests to the LAN larger than this leave over TCP unless the transport is explicit.")
      .may("udp_limit_wan", &Sip::udp_limit_wan, Size{512, 65535}, live, "CGP-31, RFC 3261 18.1.1",
           "The same for all other destinations.")
      .may("lan", &Sip::lan, Networks{}, live, "CGP-31", "The networks that count as LAN.")
      .may("tos", &Sip::tos, Count{0, 255}, restart, "CGP-32",
           "Type-of-service octet of the packets we send, like 0x68.")
      .may("join_datagrams", &Sip::join_datagrams, Flag{}, live, "house 5",
           "Under load, hand the kernel datagrams of one size to one peer together, which costs it less. A tcpdump or "
           "a firewall's SIP helper on this machine sees them as one.")
      .may("max_message_size", &Sip::max_message_size, Size{4 * kib, 16 * mib}, live, "RFC 3261 21.5.7",
           "The longest message on a stream; a longer one is answered 513 and the connection closed.")
      .may("max_header_block", &Sip::max_header_block, Size{2 * kib, mib}, live, "threats 10, 24",
           "The longest start line and header fields together.");
}

void add_sip_routing(Section<Sip>& section) {
  section
      .may("max_forwards", &Sip::max_forwards, Count{1, 255}, live, "RFC 3261 16.6",
           "Put in where Max-Forwards is missing.")
      .may("max_breadth", &Sip::max_breadth, Count{1, 1000}, live, "RFC 5393 5.3",
           "How many branches one request may have at a time, here and behind us.")
      .may("record_route", &Sip::record_route, record_route_words, live, "CGP-50, RFC 3261 16.6",
           "Whether we stay in the path of every call or only where it needs us.")
      .may("relay", &Sip::relay, relay_words, live, "CGP-51",
           "For whom requests to foreign addresses are relayed besides authenticated users. \"anybody\" is an open "
           "relay.")
      .may("clients", &Sip::clients, Networks{}, live, "CGP-51", "The client networks of relay = \"clients\".")
      .may("relay_via", &Sip::relay_via, Text{relay_fault, "host or sip URI"}, live, "CGP-52",
           "Send all requests to foreign domains through this server. Empty: straight to their domain.")
      .may("p_asserted_identity", &Sip::p_asserted_identity, Flag{}, live, "CGP-55, RFC 3325",
           "Tell callees the authenticated account in P-Asserted-Identity.")
      .may("recurse_3xx", &Sip::recurse_3xx, Flag{}, live, "RFC 3261 16.7",
           "Follow redirections of callees instead of passing them to the caller.");
}

void add_sip_limits(Section<Sip>& section) {
  section
      .may("server_transactions", &Sip::server_transactions, Count{100, 10'000'000}, live, "CGP-35",
           "Server transactions at a time, over all shards; new requests above it are dropped.")
      .may("client_transactions", &Sip::client_transactions, Count{100, 10'000'000}, live, "CGP-49",
           "Client transactions at a time, over all shards; above it requests are refused with 503.")
      .may("receive_queue", &Sip::receive_queue, Count{100, 1'000'000}, live, "CGP-28, CGP-29",
           "Messages waiting between two shards; what does not fit is dropped and counted.");
}

}  // namespace

const Section<Server>& server_section() {
  static const Section<Server> section =
      Section<Server>("server", once, "The process.")
          .may("data_dir", &Server::data_dir, path, restart, "contract",
               "Folder of database, journal and traces; relative to the configuration file.")
          .may("workers", &Server::workers, Count{0, 256}, restart, "CGP-34",
               "Shards, one thread each; 0: one per core.")
          .may("drain_timeout", &Server::drain_timeout, Span{0s, 1h}, live, "contract",
               "After SIGTERM, how long running transactions may take to end.")
          .may("name", &Server::name, Text{server_name_fault, "text"}, live, "RFC 3261 20.35",
               "The Server header field of our responses; empty: none.");
  return section;
}

const Section<Log>& log_section() {
  static const Section<Log> section =
      Section<Log>("log", once, "The log on standard error. `bellhop ctl log level` changes it until the next reload.")
          .may("level", &Log::levels, CommonLevel{}, live, "CGP-21", "How much all tags say.")
          .may("levels", &Log::levels, TagLevels{}, live, "CGP-22, CGP-33", "Other levels for single tags.")
          .may("dump_call_packets", &Log::dump_call_packets, Flag{}, live, "CGP-23",
               "Log all packets of calls whatever the level.")
          .may("trace_ring", &Log::trace_ring, Size{0, 1024 * mib}, live, "design",
               "Messages each shard keeps in memory for `bellhop ctl trace`; 0B: none.");
  return section;
}

const Section<Listen>& listen_section() {
  static const Section<Listen> section =
      Section<Listen>("listen", many, "An address we take SIP on; at least one.")
          .must("transport", &Listen::transport, transports, restart, "CGP-24, CGP-25",
                "tls and wss need a certificate, in [tls] or in a [[domain]].")
          .must("address", &Listen::address, Address{}, restart, "CGP-24, CGP-25",
                "IP address and port; 0.0.0.0 and [::] stand for all addresses of the machine.")
          .may("advertise", &Listen::advertise, Text{advertise_fault, "host or host:port", true}, restart,
               "RFC 3261 18.1.1",
               "What others shall see in Via and Record-Route, when it is not the address itself. It is told as it "
               "stands: where the port is not the usual one, write it.")
          .may("client_certificate", &Listen::client_certificate, client_certificate_words, restart, "RFC 3261 26.3.1",
               "For tls and wss: whether clients are asked for a certificate, and whether they must have one.");
  return section;
}

const Section<Domain>& domain_section() {
  static const Section<Domain> section =
      Section<Domain>("domain", many, "A domain we serve. `bellhop domain add` adds more at run time.")
          .must("name", &Domain::name, host, live, "CGP-11", "The host part of its addresses; also the realm.")
          .may("aliases", &Domain::aliases, Texts{host}, live, "CGP-12", "Other names of the same domain.")
          .may("authenticate", &Domain::authenticate, authenticate_words, live, "contract, CGP-37",
               "Which requests of its users must carry a password: all, only REGISTER, or none.")
          .may("mode", &Domain::mode, modes, live, "KAM-03, ARCH-09, BIG-13",
               "Whether we stay with a request, forward and forget it, or tell the caller where the callee is.")
          .may("sip", &Domain::sip, Flag{}, live, "CGP-42", "Whether its users may use SIP at all.")
          .may("certificate", &Domain::certificate, path, live, "KAM-13, RFC 5922",
               "PEM file shown to TLS clients that ask for this domain; relative to the configuration file.")
          .may("key", &Domain::key, path, live, "KAM-13", "PEM file of its private key.");
  return section;
}

const Section<StaticAccount>& account_section() {
  static const Section<StaticAccount> section =
      Section<StaticAccount>(
          "account", many,
          "A static account, for small or scripted set-ups. `bellhop account add` keeps accounts in the store instead.")
          .must("user", &StaticAccount::user, user, live, "CGP-11", "What stands before the @.")
          .must("domain", &StaticAccount::domain, host, live, "CGP-11", "One of the domains.")
          .must("password", &StaticAccount::password, Text{password_fault, "text", /*fold=*/false, /*secret=*/true},
                live, "DET-01", "In clear text here, so keep the file private; the store keeps hashes only.")
          .may("aliases", &StaticAccount::aliases, Texts{user}, live, "CGP-12",
               "Other users of the same domain that ring this account and may log in with its password.")
          .may("sip", &StaticAccount::sip, Flag{}, live, "CGP-42", "Whether it may use SIP.")
          .may("groups", &StaticAccount::groups, Texts{user}, live, "MOD-02", "What [[barring]] and [[cap]] ask for.")
          .may("identities", &StaticAccount::identities, Texts{Text{address_fault, "address", true}}, live,
               "threats 58, MOD-02", "Other addresses its From may name, like \"sales@example.test\".")
          .may("blocked", &StaticAccount::blocked, Texts{Text{word_pattern_fault, "pattern", true}}, live, "MOD-04",
               "Callers it refuses with 403, like \"*@spam.test\"; \"*\" stands for any text.");
  return section;
}

const Section<Barring>& barring_section() {
  static const Section<Barring> section =
      Section<Barring>("barring", many,
                       "Numbers that only members of some groups may call; others get 403. The first one whose numbers "
                       "fit decides.")
          .must("name", &Barring::name, user, live, "MOD-02", "What the log and the decision record call it.")
          .must("numbers", &Barring::numbers, Texts{Text{pattern_fault, "pattern"}}, live, "MOD-02, KAM-12",
                "User parts that are called, like \"00*\" or \"+*\".")
          .may("groups", &Barring::groups, Texts{user}, live, "MOD-02, KAM-12", "Who may. Empty: nobody.");
  return section;
}

const Section<Cap>& cap_section() {
  static const Section<Cap> section =
      Section<Cap>("cap", many, "What one account may use up; above it 403. All that fit count.")
          .must("name", &Cap::name, user, live, "KAM-40", "What the log and the decision record call it.")
          .may("numbers", &Cap::numbers, Texts{Text{pattern_fault, "pattern"}}, live, "KAM-40",
               "User parts that are called, like \"00*\". Empty: all.")
          .may("groups", &Cap::groups, Texts{user}, live, "KAM-40", "Whose accounts. Empty: every account's.")
          .may("calls", &Cap::calls, Count{0, 1'000'000}, live, "KAM-40", "Calls at once. 0: any number.")
          .may("calls_per_hour", &Cap::calls_per_hour, Count{0, 100'000}, live, "KAM-40",
               "Calls begun within an hour, which slides. 0: any number.");
  return section;
}

const Section<StaticAlias>& alias_section() {
  static const Section<StaticAlias> section =
      Section<StaticAlias>("alias", many, "A name that stands for another address: name@domain is routed as target.")
          .must("name", &StaticAlias::name, user, live, "CGP-12", "What stands before the @.")
          .must("domain", &StaticAlias::domain, host, live, "CGP-12", "One of the domains.")
          .must("target", &StaticAlias::target, Text{target_fault, "user, user@domain or URI"}, live, "CGP-12",
                "Where calls go: a user of the same domain, or any other address.");
  return section;
}

const Section<Sip>& sip_section() {
  static const Section<Sip> section = [] {
    Section<Sip> s("sip", once, "The protocol: timers, messages, routing, limits.");
    add_sip_timers(s);
    add_sip_messages(s);
    add_sip_routing(s);
    add_sip_limits(s);
    return s;
  }();
  return section;
}

const Section<Overload>& overload_section() {
  static const Section<Overload> section =
      Section<Overload>(
          "overload", once,
          "What is refused while more comes than can be handled: new calls first, then registrations, never "
          "what belongs to a call.")
          .may("delay", &Overload::delay, Span{0s, 10s}, live, "CGP-36",
               "When requests have waited longer than this in the queue, for a fifth of a second, some are refused; at "
               "four times this all new ones. 0s: never.")
          .may("retry_after", &Overload::retry_after, Span{1s, 5min}, live, "RFC 3261 21.5.4",
               "Told with the 503, at random up to twice as long, so that not all come back at once.")
          .may("emergency", &Overload::emergency, Texts{user}, live, "RFC 4412",
               "Numbers that are never refused for overload; urn:service:sos is none of ours to route yet.");
  return section;
}

const Section<Tcp>& tcp_section() {
  static const Section<Tcp> section =
      Section<Tcp>("tcp", once, "Connections.")
          .may("connections", &Tcp::connections, Count{1, 1'000'000}, live, "CGP-26",
               "Connections at a time, over all shards; above it new ones are closed at once.")
          .may("connections_per_address", &Tcp::connections_per_address, Count{1, 1'000'000}, live, "threats 69",
               "The same for one remote address that the guard judges.")
          .may("idle_timeout", &Tcp::idle_timeout, Span{1s, 24h}, live, "CGP-27, CFG-10",
               "Close connections without traffic.")
          .may("message_timeout", &Tcp::message_timeout, Span{1s, 10min}, live, "threats 9, 10",
               "How long a message that has begun may take to arrive.")
          .may("connect_timeout", &Tcp::connect_timeout, Span{100ms, 2min}, live, "RFC 3261 18.4",
               "How long opening a connection may take.")
          .may("keepalive", &Tcp::keepalive, Span{1s, 1h}, live, "CGP-72",
               "Interval of the kernel's probes on connections of devices with the workaround tcp-ping.")
          .may("output_limit", &Tcp::output_limit, Size{16 * kib, 64 * mib}, live, "threats 69",
               "What may wait for a peer that does not read before it is disconnected.");
  return section;
}

namespace {

void add_registrar_limits(Section<Registrar>& section) {
  section
      .may("default_expires", &Registrar::default_expires, Span{10s, 240h}, live, "REG-04, RFC 3261 10.2.1.1",
           "Granted when the phone asks for no time.")
      .may("min_expires", &Registrar::min_expires, Span{1s, 1h}, live, "REG-04, RFC 3261 10.3",
           "Shorter registrations are refused with 423.")
      .may("max_expires", &Registrar::max_expires, Span{10s, 240h}, live, "REG-04", "Longer ones are cut to this.")
      .may("default_q", &Registrar::default_q, Quality{}, live, "REG-05", "The rank of contacts without q.")
      .may("max_contacts", &Registrar::max_contacts, Count{1, 1000}, live, "REG-10",
           "Contacts of one address-of-record.")
      .may("contact_max_size", &Registrar::contact_max_size, Size{64, 4 * kib}, live, "REG-14", "Longest contact URI.")
      .may("retry_after", &Registrar::retry_after, Span{0s, 24h}, live, "REG-11",
           "Retry-After of 5xx answers to REGISTER; 0s: none.");
}

void add_registrar_rules(Section<Registrar>& section) {
  section
      .may("method_filtering", &Registrar::method_filtering, Flag{}, live, "REG-12",
           "Leave out contacts whose Allow does not name the method.")
      .may("parallel_forking", &Registrar::parallel_forking, Flag{}, live, "REG-07",
           "Ring all contacts of equal q at once; false: only the best contact.")
      .may("newest_first", &Registrar::newest_first, Flag{}, live, "USR-05",
           "Among equal q, try the newest contact first.")
      .may("case_sensitive", &Registrar::case_sensitive, Flag{}, live, "REG-09",
           "Whether Bob and bob are two users. After a change phones must register anew.")
      .may("use_domain", &Registrar::use_domain, Flag{}, live, "USR-04",
           "false: a user is the same in all our domains. After a change phones must register anew.")
      .may("realm_prefix", &Registrar::realm_prefix, Text{prefix_fault, "beginning of a host name", true}, live,
           "REG-06",
           "Taken off a domain that begins with it: with \"sip.\", sip.example.com is example.com. Empty: none.")
      .may("path", &Registrar::path, path_modes, live, "REG-01, RFC 3327",
           "Path: ignored, kept, or kept only from phones that support it (others get 420).")
      .may("force_nat", &Registrar::force_nat, Flag{}, live, "CGP-05",
           "Treat every contact as behind NAT, but those that another proxy registers.")
      .may("outbound", &Registrar::outbound, Flag{}, live, "RFC 5626",
           "Whether a device may register several flows, of which one is used at a time.")
      .may("flow_timer", &Registrar::flow_timer, Span{0s, 1h}, live, "RFC 5626 5.4",
           "How often such a device is told to send keep-alives; 0s: as it likes.")
      .may("gruu", &Registrar::gruu, Flag{}, live, "REG-02, RFC 5627",
           "Whether devices that ask get addresses of their own, which reach just them.")
      .may("service_route", &Registrar::service_route, Texts{Text{uri_fault, "SIP URI"}}, live, "RFC 3608",
           "Proxies through which registered devices are asked to send their requests. Empty: none.")
      .may("lost_connection", &Registrar::lost_connection, lost_connection_words, live, "USR-12",
           "A phone's binding when its TCP or TLS connection ends: it stays and is tried at its Contact (that of a "
           "device with flows of its own is not, RFC 5626), or is removed. A browser's always is.")
      .may("journal", &Registrar::journal, Flag{}, restart, "design", "Keep bindings over a restart.")
      .may("only", &Registrar::only, Flag{}, live, "ARCH-07",
           "Be a registrar and nothing else: 501 to other requests.");
}

}  // namespace

const Section<Registrar>& registrar_section() {
  static const Section<Registrar> section = [] {
    Section<Registrar> s("registrar", once, "REGISTER.");
    add_registrar_limits(s);
    add_registrar_rules(s);
    return s;
  }();
  return section;
}

const Section<Nat>& nat_section() {
  static const Section<Nat> section =
      Section<Nat>("nat", once, "Signalling across NATs.")
          .may("detect", &Nat::detect, nat_signs, live, "RT-14",
               "What tells that the sender of a request stands behind a NAT: a Contact or Via with another address "
               "than it came from, "
               "a private address in the Contact, over UDP another port in the Via.")
          .may("contact_alias", &Nat::contact_alias, Flag{}, live, "RT-16",
               "Note in the Contacts of phones behind NAT where they send from, so that requests of a dialog find them "
               "when the NAT has "
               "moved them.")
          .may("ping", &Nat::ping, pings, live, "PAR-10",
               "What keeps the NATs of registered phones open: an empty line, an OPTIONS request, or nothing.")
          .may("ping_interval", &Nat::ping_interval, Span{5s, 1h}, live, "PAR-10",
               "How often each phone gets one; they are spread in time.")
          .may("ping_all", &Nat::ping_all, Flag{}, live, "PAR-10", "Also phones that are not behind a NAT.")
          .may("ping_from", &Nat::ping_from, Text{optional_uri_fault, "SIP URI"}, live, "PAR-10",
               "From of OPTIONS pings. Empty: sip:pinger@ and the first domain.")
          .may("stun", &Nat::stun, Flag{}, live, "RFC 5626 8", "Answer STUN keep-alives on the UDP ports.");
  return section;
}

const Section<Zone>& zone_section() {
  static const Section<Zone> section =
      Section<Zone>("zone", many, "A part of the network and the face we show there.")
          .must("name", &Zone::name, user, live, "KAM-21", "What the log calls it.")
          .must("networks", &Zone::networks, Networks{}, live, "KAM-21",
                "Who is in it; an address in several zones is in that with the smallest network.")
          .may("listeners", &Zone::listeners, Addresses{Address{0}}, live, "KAM-21",
               "Those of our addresses from which we speak to it. Empty: any that fits.")
          .may("advertise", &Zone::advertise, Text{advertise_fault, "host or host:port", true}, live,
               "KAM-21, RFC 3261 18.1.1",
               "What it shall see of us in Via and Record-Route. Without a port the listener's is added, unless it is "
               "the usual one. Empty: as the listener says.");
  return section;
}

const Section<Device>& device_section() {
  static const Section<Device> section =
      Section<Device>("device", many, "Workarounds for devices that do not keep to the standards.")
          .must("name", &Device::name, Text{pattern_fault, "text"}, live, "CGP-62", "The product.")
          .must("user_agent", &Device::user_agent, Text{pattern_fault, "pattern"}, live, "CGP-62",
                "Its User-Agent or Server value; * stands for any text, ? for one character.")
          .must("workarounds", &Device::workarounds, workaround_words, live, "CGP-62 to CGP-74", "What it needs.");
  return section;
}

const Section<Site>& site_section() {
  static const Section<Site> section =
      Section<Site>("site", many, "Workarounds for remote domains.")
          .must("name", &Site::name, Text{pattern_fault, "text"}, live, "CGP-62", "The site.")
          .must("domains", &Site::domains, Texts{Text{pattern_fault, "pattern"}}, live, "CGP-62, CGP-63",
                "Its host names, like \"*.example.net\".")
          .must("workarounds", &Site::workarounds, site_workaround_words, live, "CGP-62 to CGP-67",
                "What it needs in what we send there.");
  return section;
}

const Section<Auth>& auth_section() {
  static const Section<Auth> section =
      Section<Auth>("auth", once, "Digest authentication.")
          .may("nonce_lifetime", &Auth::nonce_lifetime, Span{10s, 24h}, live, "RFC 7616 3.3",
               "How long a nonce serves; afterwards the phone gets a new one without asking its user.")
          .may("sha256", &Auth::sha256, Flag{}, live, "RFC 8760", "Offer SHA-256.")
          .may("md5", &Auth::md5, Flag{}, live, "RFC 3261 22.4", "Offer MD5, which most phones still need.")
          .may("qop", &Auth::qop, Flag{}, live, "RFC 7616 3.3", "Offer quality of protection.")
          .may("advertise_digest", &Auth::advertise_digest, Flag{}, live, "CGP-38", "Offer digest at all.")
          .may("nonces_tracked", &Auth::nonces_tracked, Count{1000, 10'000'000}, restart, "RFC 7616 5.12",
               "Nonces whose use counts are remembered.");
  return section;
}

void add_guard_budgets(Section<Guard>& section) {
  section.may("flood", &Guard::flood, Flag{}, live, "N-12", "Whether requests are counted at all.")
      .may("flood_requests", &Guard::flood_requests, Count{1, 1000}, live, "N-12, RT-02",
           "Requests a stranger's address may send within the window; the next one bans it.")
      .may("flood_window", &Guard::flood_window, Span{100ms, 1h}, live, "N-12", "The window, which slides.")
      .may("flood_ban", &Guard::flood_ban, Span{1s, 24h}, live, "N-12", "How long that ban lasts.")
      .may("known_requests", &Guard::known_requests, Count{1, 10'000'000}, live, "RT-02",
           "Requests in the same window from an address that has authenticated, or from a peer; more are dropped.")
      .may("network_requests", &Guard::network_requests, Count{0, 10'000'000}, live, "RT-02",
           "Requests in the same window from all strangers of one /24 (IPv6: /48); more are dropped. 0: any number.")
      .may("known_for", &Guard::known_for, Span{1s, 30 * 24h}, live, "RT-02",
           "How long an address stays known after it authenticated.");
}

void add_guard_bans(Section<Guard>& section) {
  section
      .may("malformed_packets", &Guard::malformed_packets, Count{0, 1000}, live, "CGP-46",
           "Malformed messages borne from one address within the window; the next one bans it. 0: any number.")
      .may("malformed_window", &Guard::malformed_window, Span{1s, 1h}, live, "CGP-46", "The window, which slides.")
      .may("failed_logins", &Guard::failed_logins, Count{0, 1000}, live, "CGP-47",
           "Wrong credentials borne from one address within the window; the next ones ban it. 0: any number.")
      .may("failed_login_window", &Guard::failed_login_window, Span{1s, 24h}, live, "CGP-47",
           "The window, which slides.")
      .may("failed_login_delay", &Guard::failed_login_delay, Span{0s, 30s}, live, "CGP-47",
           "How long wrong credentials wait for their answer.")
      .may("ban", &Guard::ban, Span{1s, 30 * 24h}, live, "CGP-46, CGP-47, RT-03",
           "How long a ban for malformed messages, failed logins or a scanner's name lasts.")
      .may("scanners", &Guard::scanners, Texts{Text{pattern_fault, "pattern"}}, live, "RT-03",
           "User-Agents of scanning tools; \"*\" stands for any text.")
      .may("scanner_answer", &Guard::scanner_answer, scanner_answers, live, "RT-03",
           "What they hear: \"drop\", and the address is banned; or \"ok\", a 200 to whatever they ask, which changes "
           "nothing.");
}

const Section<Guard>& guard_section() {
  static const Section<Guard> section = [] {
    Section<Guard> made("guard", once, "Protection from floods and strangers.");
    made.may("exempt", &Guard::exempt, Networks{}, live, "contract", "Networks the guard does not judge.")
        .may("denied", &Guard::denied, Networks{}, live, "CGP-45",
             "Networks whose packets and connections are dropped.")
        .may("shadow", &Guard::shadow, Flag{}, live, "design",
             "Only report who would be banned and drop nothing, to try rules out.");
    add_guard_budgets(made);
    add_guard_bans(made);
    return made;
  }();
  return section;
}

const Section<Dns>& dns_section() {
  static const Section<Dns> section =
      Section<Dns>("dns", once, "Name look-ups.")
          .may("servers", &Dns::servers, Addresses{Address{53}}, restart, "RFC 3263",
               "Name servers; empty: those of /etc/resolv.conf.")
          .may("timeout", &Dns::timeout, Span{50ms, 10s}, restart, "threats 70", "How long one question may take.")
          .may("in_flight", &Dns::in_flight, Count{1, 100'000}, restart, "threats 70",
               "Questions under way at a time; above it requests that need another one fail as when the DNS is silent.")
          .may("negative_ttl", &Dns::negative_ttl, Span{1s, 1h}, restart, "RFC 2308",
               "How long at most \"there is no such name\" is believed.")
          .may("avoid_failed", &Dns::avoid_failed, Span{0s, 1h}, live, "KAM-20, RFC 3263 4.3",
               "How long a target that failed is tried after all others.");
  return section;
}

const Section<Host>& host_section() {
  static const Section<Host> section =
      Section<Host>("host", many, "A host name whose addresses are given here and not asked from DNS.")
          .must("name", &Host::name, host, live, "RFC 3263", "The name as it stands in URIs.")
          .must("addresses", &Host::addresses, HostAddresses{}, live, "RFC 3263",
                "Its addresses in the order to try them, with a port or without.");
  return section;
}

const Section<Admin>& admin_section() {
  static const Section<Admin> section =
      Section<Admin>("admin", once, "Ways for the operator.")
          .may("http", &Admin::http, Address{}, restart, "contract",
               "Address of the console, the API and /metrics: loopback only until passwords come. Not set: none.")
          .may("socket", &Admin::socket, path, restart, "contract",
               "Local control for `bellhop ctl`; relative to data_dir.");
  return section;
}

const Section<Tls>& tls_section() {
  static const Section<Tls> section =
      Section<Tls>("tls", once,
                   "TLS listeners and connections. Certificates are read again at SIGHUP and when their files change.")
          .may("certificate", &Tls::certificate, path, live, "contract",
               "PEM file of the certificate and those that sign it; relative to the configuration file.")
          .may("key", &Tls::key, path, live, "contract", "PEM file; relative to the configuration file.")
          .may("self_signed", &Tls::self_signed, Flag{}, live, "design",
               "Make certificate and key at start when the files are not there: for trying out, phones must be told to "
               "trust it.")
          .may("ca", &Tls::ca, path, live, "RFC 5922",
               "PEM file of the certificates that vouch for peers. Empty: those of the machine.")
          .may("min_version", &Tls::min_version, tls_versions, live, "RFC 8996", "The oldest version spoken.")
          .may("ciphers", &Tls::ciphers, Text{ciphers_fault, "OpenSSL cipher list"}, live, "RFC 7525",
               "For TLS 1.2. Empty: those with forward secrecy and authenticated encryption.")
          .may("verify_servers", &Tls::verify_servers, Flag{}, live, "RFC 5922 7.4",
               "Whether servers we connect to must prove the domain we asked for.")
          .may("handshake_timeout", &Tls::handshake_timeout, Span{1s, 5min}, live, "threats 69",
               "How long a TLS or WebSocket handshake may take.")
          .may("expiry_warning", &Tls::expiry_warning, Span{1s, hours(366 * 24)}, live, "design",
               "The log warns when a certificate ends sooner than this.");
  return section;
}

const Section<WebSocket>& websocket_section() {
  static const Section<WebSocket> section =
      Section<WebSocket>("websocket", once, "SIP over WebSocket (RFC 7118), for browsers.")
          .may("origins", &WebSocket::origins, Texts{Text{origin_fault, "origin", true}}, live, "RFC 6455 10.2",
               "The web pages that may connect, like \"https://phone.example.test\". Empty: all.")
          .may("ping_interval", &WebSocket::ping_interval, Span{0s, 1h}, live, "RFC 6455 5.5.2",
               "Pings to each browser; one that has not answered by the next is gone. 0s: none.");
  return section;
}

const Section<Peer>& peer_section() {
  static const Section<Peer> section =
      Section<Peer>(
          "peer", many,
          "A peer trusted without a password, and believed in what it asserts of its users. It is known by its "
          "certificate or by its address.")
          .must("name", &Peer::name, user, live, "RFC 5923", "What the log calls it.")
          .may("certificates", &Peer::certificates, Texts{host}, live, "RFC 5922 7.2",
               "Domains, one of which its TLS certificate must prove.")
          .may("networks", &Peer::networks, Networks{}, live, "KAM-12, PAR-07",
               "Addresses it sends from. Over UDP an address can be forged: only where the network keeps strangers' "
               "packets with these addresses out.");
  return section;
}

}  // namespace bellhop::config
