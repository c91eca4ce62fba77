#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/endpoint.hpp"
#include "base/time.hpp"
#include "observe/log.hpp"
#include "sip/transport.hpp"

namespace bellhop::crypto {
class TlsContext;
}

namespace bellhop::config {

/// The networks that count as "LAN" unless the configuration says otherwise: loopback, RFC 1918, RFC 6598, RFC 3927,
/// RFC 4193 and IPv6 link-local.
[[nodiscard]] std::vector<Network> private_networks();

// The configuration as the rest of the program sees it: typed, validated as a whole, immutable, swapped by pointer
// (founding decision 3). Every field is declared once in settings.cpp with key, type, unit, range, default, whether a
// reload may change it, RFC and text; the loader, its messages and docs/settings.md come from that table.

struct Server {
  std::string data_dir = "var";  ///< absolute after loading
  unsigned workers = 0;          ///< shards; 0: one per core
  Duration drain_timeout = seconds(5);
  std::string name = "Bellhop";  ///< Server header of our responses; empty: none
};

struct Log {
  using Levels = std::array<observe::Level, static_cast<std::size_t>(observe::Tag::count_)>;
  [[nodiscard]] static constexpr Levels all_at(observe::Level level) {
    Levels levels{};
    levels.fill(level);
    return levels;
  }
  Levels levels = all_at(observe::Level::problems);  ///< one per tag
  bool dump_call_packets = false;                    ///< CGP-23
  std::size_t trace_ring = 0;                        ///< octets of messages each shard keeps for `ctl trace`; 0: off
};

/// Whether those who connect over TLS are asked for a certificate, and whether they must have one.
enum class ClientCertificate : std::uint8_t { none, optional, required };

struct Listen {
  sip::Transport transport = sip::Transport::udp;
  Endpoint address;
  std::string advertise;  ///< host or host:port for Via and Record-Route; empty: the address itself
  ClientCertificate client_certificate = ClientCertificate::none;  ///< of tls and wss
};

enum class Authenticate : std::uint8_t { all, register_only, none };
enum class ProxyMode : std::uint8_t { stateful, stateless, redirect };  // KAM-03, ARCH-09..12, BIG-13

struct Domain {
  std::string name;                  ///< lower case
  std::vector<std::string> aliases;  ///< Domain Aliases (CGP-12): lower case
  Authenticate authenticate = Authenticate::all;
  ProxyMode mode = ProxyMode::stateful;
  bool sip = true;               ///< SIP Service right of the domain (CGP-42)
  std::string certificate, key;  ///< PEM files shown to who asks for this domain (SNI, KAM-13); empty: those of [tls]
};

struct StaticAccount {
  std::string user, domain, password;
  std::vector<std::string> aliases;  ///< user parts in the same domain
  bool sip = true;
  std::vector<std::string> groups;      ///< what barring and caps ask for
  std::vector<std::string> identities;  ///< other addresses its From may name
  std::vector<std::string> blocked;     ///< patterns of callers it refuses
  unsigned line = 0;                    ///< where it was declared, for messages
};

/// A name that stands for another address: `name@domain` is routed as `target` (CGP-12). With an account as target it
/// is an alias, with any other address a forwarder.
struct StaticAlias {
  std::string name, domain, target;
};

/// Numbers that only some may call; everybody else hears 403 (MOD-02, KAM-12).
struct Barring {
  std::string name;                  ///< for the log and the decision record
  std::vector<std::string> numbers;  ///< patterns of the user part that is called
  std::vector<std::string> groups;   ///< who may; empty: nobody
};

/// What one account may use up (KAM-40): above it 403, since a phone tries again after most other answers.
struct Cap {
  std::string name;
  std::vector<std::string> numbers;  ///< patterns of the user part that is called; empty: all
  std::vector<std::string> groups;   ///< whose accounts are counted; empty: every account
  std::uint32_t calls = 0;           ///< at once; 0: any number
  std::uint32_t calls_per_hour = 0;  ///< begun in the last hour; 0: any number
};

enum class RecordRoute : std::uint8_t { always, when_needed };    // CGP-50
enum class RelayFor : std::uint8_t { anybody, clients, nobody };  // CGP-51
enum class PathMode : std::uint8_t { off, lazy, strict };         // REG-01
enum class LostConnection : std::uint8_t { dormant, remove };     // USR-12

struct Sip {
  Duration t1 = milliseconds(500), t2 = seconds(4), t4 = seconds(5);
  Duration timer_b = seconds(10);     ///< CGP-53; N-15
  Duration timer_c = seconds(185);    ///< RFC 3261 section 16.6 item 11: more than 3 minutes
  Duration cancel_wait = seconds(5);  ///< 487-Wait Timer, CGP-54
  bool always_trying = false;         ///< CGP-44
  bool trying_on_resend = false;      ///< CGP-43
  bool short_field_names = false;     ///< CGP-30
  std::size_t udp_limit_lan = 8192;   ///< CGP-31: above it TCP, unless the transport is explicit
  std::size_t udp_limit_wan = 1300;
  std::vector<Network> lan = private_networks();  ///< what counts as LAN
  std::uint8_t tos = 0;                           ///< CGP-32
  bool join_datagrams = true;                     ///< under load; see net::SendBatch
  std::uint32_t max_forwards = 70;                ///< put in where it is missing
  std::uint32_t max_breadth = 60;                 ///< RFC 5393
  RecordRoute record_route = RecordRoute::always;
  RelayFor relay = RelayFor::nobody;  ///< CGP-51
  std::vector<Network> clients;       ///< Client IP addresses of CGP-51
  std::string relay_via;              ///< CGP-52: a sip URI or host; empty: none
  bool p_asserted_identity = true;    ///< CGP-55
  bool recurse_3xx = false;           ///< follow redirections of callees instead of passing them up
  std::size_t max_message_size = 256 * 1024;
  std::size_t max_header_block = 64 * 1024;
  std::size_t server_transactions = 500'000;  ///< CGP-35, per server, divided over the shards
  std::size_t client_transactions = 500'000;  ///< CGP-49
  std::size_t receive_queue = 10'000;         ///< CGP-29: messages waiting between shards
};

/// What is refused while more comes than can be handled.
struct Overload {
  Duration delay = milliseconds(100);  ///< a request that waited longer finds us overloaded; 0: never
  Duration retry_after = seconds(5);   ///< told with the 503, up to twice as long
  std::vector<std::string> emergency{"112", "911", "999", "110"};  ///< numbers that are never refused for it
};

struct Tcp {
  std::size_t connections = 15'000;  ///< Input Channels, CGP-26, per server
  std::size_t connections_per_address = 2'000;
  Duration idle_timeout = seconds(3605);   ///< CGP-27, CFG-10
  Duration message_timeout = seconds(30);  ///< an incomplete message is given this long
  Duration connect_timeout = seconds(5);
  std::size_t output_limit = 1024 * 1024;  ///< octets that may wait for a peer that does not read
  Duration keepalive = seconds(60);        ///< kernel probes, for devices with the workaround tcp_ping (CGP-72)
};

struct Registrar {
  Duration default_expires = seconds(3600), min_expires = seconds(60), max_expires = seconds(3600);  // REG-04
  std::uint16_t default_q = 1000;      ///< thousandths, REG-05
  std::size_t max_contacts = 10;       ///< per address-of-record, REG-10
  std::size_t contact_max_size = 512;  ///< REG-14
  bool method_filtering = true;        ///< REG-12
  bool parallel_forking = true;        ///< REG-07: false rings only the best contact
  bool newest_first = false;           ///< USR-05
  bool case_sensitive = false;         ///< REG-09: of the user part
  bool use_domain = true;              ///< USR-04: false makes user@any local domain one address-of-record
  std::string realm_prefix;            ///< REG-06: taken off a domain that begins with it; empty: none
  PathMode path = PathMode::lazy;
  Duration retry_after = seconds(0);       ///< REG-11: for 5xx; 0: none
  bool force_nat = false;                  ///< treat every contact as behind NAT
  bool outbound = true;                    ///< several flows of one device (RFC 5626)
  Duration flow_timer = seconds(120);      ///< Flow-Timer told to devices with a flow of their own; 0: not told
  bool gruu = true;                        ///< public and temporary GRUUs for devices that ask (RFC 5627, REG-02)
  std::vector<std::string> service_route;  ///< URIs told in Service-Route (RFC 3608), in order; empty: none
  LostConnection lost_connection =
      LostConnection::dormant;  ///< of TCP and TLS; a browser's binding always goes with it
  bool journal = true;
  bool only = false;  ///< ARCH-07: registrar-only role, 501 to everything else
};

/// What tells that a phone stands behind a NAT (RT-14): bits of Nat::detect.
enum NatSign : std::uint16_t {
  contact_address = 1,  ///< its Contact names another address than its request came from
  private_contact = 2,  ///< its Contact names a private address
  via_address = 4,      ///< its Via names another address than its request came from
  via_port = 8,         ///< its Via names another port; over UDP only
};

enum class Ping : std::uint8_t { none, crlf, options };

/// Signalling across NATs.
struct Nat {
  std::uint16_t detect = NatSign::contact_address | NatSign::via_address | NatSign::via_port;
  bool contact_alias = true;  ///< RT-16: Contacts of phones behind NAT get ";alias=address~port~transport"
  Ping ping = Ping::crlf;     ///< towards registered phones (PAR-10)
  Duration ping_interval = seconds(30);
  bool ping_all = false;  ///< not only those behind NAT
  std::string ping_from;  ///< From of OPTIONS pings; empty: sip:pinger@ and the first domain
  bool stun = true;       ///< answer STUN binding requests on the UDP ports (RFC 5626 section 8)
};

/// What a device or site needs because it does not keep to the standards (CGP-62 to 74): bits of a set.
enum Workaround : std::uint16_t {
  fix_contacts = 1,   ///< its Contact is replaced by where it sends from (CGP-74)
  no_tcp = 2,         ///< transport=tcp is taken out of Contacts sent to it (CGP-66)
  no_maddr = 4,       ///< maddr is taken out of Contacts sent to it
  no_path = 8,        ///< no Path to it: the Contact names us instead (CGP-67)
  bad_bye_auth = 16,  ///< its digests for other methods may be made for INVITE (CGP-68)
  needs_epid = 32,    ///< the epid of its From is put back where its peer dropped it (CGP-69)
  bad_update = 64,    ///< UPDATE is taken out of its Allow (CGP-73)
  tcp_ping = 128,     ///< over TCP: kernel probes instead of pings (CGP-72)
};
using Workarounds = std::uint16_t;

/// Workarounds for all devices whose User-Agent or Server matches.
struct Device {
  std::string name;        ///< for people
  std::string user_agent;  ///< pattern: "*" for any text, "?" for one character; case does not matter
  Workarounds workarounds = 0;
};

/// Workarounds for remote domains.
struct Site {
  std::string name;
  std::vector<std::string> domains;  ///< patterns of host names
  Workarounds workarounds = 0;
};

/// A part of the network and the face we show there (KAM-21).
struct Zone {
  std::string name;
  std::vector<Network> networks;    ///< who is in it; of several zones the one with the smallest network counts
  std::vector<Endpoint> listeners;  ///< those of our addresses that speak to it; empty: any
  std::string advertise;            ///< host or host:port for Via and Record-Route; empty: as the listener says
};

struct Auth {
  Duration nonce_lifetime = seconds(300);
  bool sha256 = true, md5 = true;        ///< algorithms offered, SHA-256 first (RFC 8760)
  bool qop = true;                       ///< offer qop="auth"; auth-int and clients without qop are accepted either way
  bool advertise_digest = true;          ///< CGP-38
  std::size_t nonces_tracked = 100'000;  ///< nc replay windows remembered per server
};

/// What a scanner hears: nothing and a ban, or a friendly 200 that stores nothing (RT-03).
enum class ScannerAnswer : std::uint8_t { drop, ok };

struct Guard {
  std::vector<Network> exempt;  ///< not judged by the guard
  std::vector<Network> denied;  ///< CGP-45: dropped without processing
  bool shadow = false;          ///< bans are reported and drop nothing
  bool flood = true;
  std::uint32_t flood_requests = 16;  ///< N-12: the next one within the window is dropped and starts the ban
  Duration flood_window = seconds(2);
  Duration flood_ban = seconds(300);
  std::uint32_t known_requests = 2000;   ///< in the same window, from who has authenticated or is a peer
  std::uint32_t network_requests = 400;  ///< in the same window, of all strangers in a /24 or /48; 0: any number
  Duration known_for = hours(1);         ///< after it authenticated
  std::uint32_t malformed_packets = 20;  ///< CGP-46; 0: any number
  Duration malformed_window = seconds(60);
  std::uint32_t failed_logins = 10;  ///< CGP-47; 0: any number
  Duration failed_login_window = seconds(60);
  Duration failed_login_delay = seconds(1);  ///< CGP-47: before wrong credentials are answered
  Duration ban = seconds(300);               ///< for malformed packets, failed logins and scanners
  std::vector<std::string> scanners{"friendly-scanner*", "sipvicious*", "sipcli*",          "sip-scan*", "SIPScan*",
                                    "sundayddr*",        "iWar*",       "VaxSIPUserAgent*", "pplsip*"};
  ScannerAnswer scanner_answer = ScannerAnswer::drop;
};

struct Dns {
  std::vector<Endpoint> servers;  ///< empty: /etc/resolv.conf
  Duration timeout = milliseconds(1000);
  std::size_t in_flight = 1000;         ///< questions under way at a time; more fail at once
  Duration negative_ttl = seconds(30);  ///< at most; the zone's SOA may say less
  Duration avoid_failed = seconds(60);  ///< KAM-20: a target that failed is tried last for this long; 0: never
};

/// A host that needs no DNS: its addresses as the operator gives them.
struct Host {
  std::string name;                 ///< lower case
  std::vector<Endpoint> addresses;  ///< port 0: the one RFC 3263 says
};

/// A peer known by its certificate or its address: its requests need no password (KAM-12, PAR-07), and what it asserts
/// of its users is believed (RFC 3325).
struct Peer {
  std::string name;                       ///< for the log and for messages
  std::vector<std::string> certificates;  ///< SIP domain identities (RFC 5922): lower case host names
  std::vector<Network> networks;          ///< an address can be forged over UDP: for networks that filter
};

struct WebSocket {
  std::vector<std::string> origins;      ///< allowed Origin values, like "https://phone.example.test"; empty: any
  Duration ping_interval = seconds(30);  ///< a browser that does not answer one by the next is gone; 0: no pings
};

struct Admin {
  std::optional<Endpoint> http;
  std::string socket = "bellhop.sock";  ///< absolute after loading
};

enum class TlsVersion : std::uint8_t { tls12, tls13 };

struct Tls {
  std::string certificate, key;  ///< PEM files, absolute after loading; empty: none
  bool self_signed = false;      ///< make the two files when they are not there
  std::string ca;                ///< PEM file of who vouches for peers; empty: the machine's own collection
  TlsVersion min_version = TlsVersion::tls12;
  std::string ciphers;         ///< OpenSSL list for TLS 1.2; empty: ECDHE with AES-GCM and ChaCha20
  bool verify_servers = true;  ///< a server we connect to must prove the domain we asked for (RFC 5922)
  Duration handshake_timeout = seconds(10);
  Duration expiry_warning = hours(14 * 24);  ///< warn when a certificate ends sooner
};

struct Snapshot {
  std::string file;                   ///< where it came from
  std::vector<std::string> warnings;  ///< what is allowed but probably not meant; `check` and `run` print them
  Server server;
  Log log;
  std::vector<Listen> listen;
  std::vector<Domain> domains;
  std::vector<StaticAccount> accounts;
  std::vector<StaticAlias> aliases;
  std::vector<Barring> barrings;
  std::vector<Cap> caps;
  Sip sip;
  Overload overload;
  Tcp tcp;
  Registrar registrar;
  Auth auth;
  Guard guard;
  Dns dns;
  std::vector<Host> hosts;
  Nat nat;
  std::vector<Zone> zones;
  std::vector<Device> devices;
  std::vector<Site> sites;
  Admin admin;
  Tls tls;
  WebSocket websocket;
  std::vector<Peer> peers;
  /// The certificates of `tls` and the domains, ready for connections; null without. Not from the file: the server
  /// makes it.
  std::shared_ptr<const crypto::TlsContext> tls_context;
  /// Which state of their files they were read from. Not from the file: the server notes it.
  std::uint64_t certificate_files = 0;
  /// The addresses of this machine, for listeners on 0.0.0.0 and [::]. Not from the file: assembly fills them in.
  std::vector<IpAddress> interface_addresses;

  /// The host name without registrar.realm_prefix (REG-06); the host itself when it does not begin with it.
  [[nodiscard]] std::string_view without_realm_prefix(std::string_view host) const;
  /// The domain served under this host name (its name or one of its aliases, or one of our own listening addresses,
  /// which belong to the first domain: CGP-15); null when it is not ours. `host` may have any case and brackets.
  [[nodiscard]] const Domain* domain_of(std::string_view host) const;
  /// Whether host and port name one of our listeners (0: the default port of the listener's transport).
  [[nodiscard]] bool is_own_address(const IpAddress& address, std::uint16_t port) const;
  [[nodiscard]] bool is_lan(const IpAddress& address) const;
  [[nodiscard]] bool is_client(const IpAddress& address) const;
  /// Makes zone_of() know the zones; after they were changed.
  void order_zones();
  /// Makes is_scanner() quick: it is asked of every request; after they were changed.
  void prepare_scanners();
  /// The zone this address is in; null: none.
  [[nodiscard]] const Zone* zone_of(const IpAddress& address) const;
  /// What all matching rows of [[device]] and [[site]] ask for. `agent` is a User-Agent or Server value, `host` a URI's
  /// host.
  [[nodiscard]] Workarounds workarounds_of_agent(std::string_view agent) const;
  /// The peer that is known by this address; null: none.
  [[nodiscard]] const Peer* peer_at(const IpAddress& address) const;
  /// Whether this User-Agent is that of a scanning tool (RT-03).
  [[nodiscard]] bool is_scanner(std::string_view agent) const;
  [[nodiscard]] Workarounds workarounds_of_site(std::string_view host) const;

 private:
  [[nodiscard]] bool listens_on(const Listen& listener, const IpAddress& address) const;
  /// The first letters of a scanner's name, in lower case: what does not begin so needs no look at the pattern.
  struct Beginning {
    std::uint64_t letters = 0, mask = 0;
  };
  std::vector<Beginning> scanner_beginnings_;                   ///< one for each of guard.scanners, or none yet
  std::bitset<256> scanner_initials_;                           ///< by number_of_four(): most agents need no other look
  std::vector<std::pair<Network, std::size_t>> zone_networks_;  ///< with the index of the zone, smallest networks first
};

using SnapshotPtr = std::shared_ptr<const Snapshot>;

}  // namespace bellhop::config
