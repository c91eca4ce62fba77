#include "server/command_line.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <optional>
#include <sstream>

#include "admin/control_socket.hpp"
#include "config/loader.hpp"
#include "config/settings.hpp"
#include "server/account_commands.hpp"
#include "server/assembly.hpp"
#include "server/data_dir.hpp"
#include "server/outcome.hpp"

namespace bellhop::server {

namespace {

using admin::Json;

constexpr Duration poke_timeout = seconds(5);
constexpr Duration ctl_timeout = seconds(60);

struct Options {
  std::string config = "/etc/bellhop/bellhop.toml";
  bool json = false;
  std::string socket;
  std::string first, second;  ///< what the subcommand is about: address, target, file, filter
  bool password_stdin = false, ha1_stdin = false;
  bool replace = false;
  AccountCommands::NewRights rights;
};

void print_faults(const std::vector<config::Fault>& faults, bool json) {
  if (!json) {
    for (const config::Fault& fault : faults) std::fprintf(stderr, "%s\n", fault.to_string().c_str());
    return;
  }
  Json list = Json::array();
  for (const config::Fault& f : faults)
    list.push(Json().set("file", f.file).set("line", f.line).set("column", f.column).set("message", f.message));
  std::fputs((Json().set("ok", false).set("faults", list).write() + "\n").c_str(), stdout);
}

config::SnapshotPtr load(const Options& options) {
  auto snapshot = config::load_file(options.config);
  if (snapshot) return *snapshot;
  print_faults(snapshot.error(), options.json);
  return nullptr;
}

ExitStatus check(const Options& options) {
  const config::SnapshotPtr snapshot = load(options);
  if (!snapshot) return ExitStatus::failed;
  Json warnings = Json::array();
  for (const std::string& warning : snapshot->warnings) {
    if (!options.json) std::fprintf(stderr, "%s\n", warning.c_str());
    warnings.push(warning);
  }
  if (options.json) return show(Json().set("ok", true).set("warnings", warnings), true);
  return show(Json(fmt::format("{}: good", options.config)), false);
}

ExitStatus print_settings(const Options& options) {
  if (!options.json) return show(Json(config::settings_markdown()), false);
  Json list = Json::array();
  config::for_each_section([&]<class S, class T>(const config::Section<S>& section, T config::Snapshot::*) {
    const S defaults;
    for (const config::Setting<S>& s : section.settings)
      list.push(Json()
                    .set("section", section.heading())
                    .set("key", s.key)
                    .set("type", s.type)
                    .set("default", s.required ? Json() : Json(s.print(defaults)))
                    .set("possible", s.range)
                    .set("reload", s.change == config::Change::live)
                    .set("source", s.source)
                    .set("text", s.text));
  });
  return show(list, true);
}

enum class Access : std::uint8_t { read, change };

/// Runs a command on the account store; a running server is told at once when something was changed.
ExitStatus with_accounts(const Options& options, Access access,
                         const std::function<Outcome(AccountCommands&)>& command) {
  const config::SnapshotPtr snapshot = load(options);
  if (!snapshot) return ExitStatus::failed;
  try {
    const auto store = storage::open_sqlite_accounts(DataDir(snapshot->server.data_dir).accounts());
    AccountCommands accounts(*store, *snapshot);
    const Outcome outcome = command(accounts);
    if (outcome && access == Access::change)
      (void)admin::ask_server(snapshot->admin.socket, {"accounts", "changed"}, poke_timeout);
    return show(outcome, options.json);
  } catch (const std::exception& error) {
    return show(failure(std::string(error.what())), options.json);
  }
}

std::string line_from_stdin() {
  std::string line;
  std::getline(std::cin, line);
  if (!line.empty() && line.back() == '\r') line.pop_back();
  return line;
}

Outcome import_file(AccountCommands& accounts, const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  if (!in || !(text << in.rdbuf())) return failure(fmt::format("{}: cannot be read", path));
  Outcome outcome = accounts.import_accounts(text.str());
  if (!outcome) return failure(fmt::format("{}: {}", path, outcome.error()));
  return outcome;
}

ExitStatus control(const Options& options, const admin::Words& words) {
  std::string socket = options.socket;
  if (socket.empty()) {
    const config::SnapshotPtr snapshot = load(options);
    if (!snapshot) return ExitStatus::failed;
    socket = snapshot->admin.socket;
  }
  return show(admin::ask_server(socket, words.empty() ? admin::Words{"help"} : words, ctl_timeout), options.json);
}

/// The tree of subcommands. Each leaf sets what is to be done; run() does it after the whole line was understood.
class CommandLine {
 public:
  CommandLine() {
    app_.set_version_flag("--version", std::string("bellhop ") + version());
    app_.require_subcommand(1);
    add_server_commands();
    add_account_commands();
    add_alias_commands();
    add_domain_commands();
  }

  int run(int argc, char** argv) {
    try {
      app_.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      return app_.exit(error) == 0 ? 0 : static_cast<int>(ExitStatus::misused);
    }
    return static_cast<int>(action_());
  }

 private:
  using Action = std::function<ExitStatus()>;

  CLI::App* leaf(CLI::App& under, const char* name, const char* help, Action action) {
    CLI::App* command = under.add_subcommand(name, help);
    command->add_option("--config", options_.config, "configuration file")->capture_default_str();
    command->add_flag("--json", options_.json, "answer as JSON");
    command->callback([this, action = std::move(action)] { action_ = action; });
    return command;
  }

  CLI::App* account_leaf(CLI::App& under, const char* name, const char* help, Access access,
                         std::function<Outcome(AccountCommands&)> command) {
    return leaf(under, name, help,
                [this, access, command = std::move(command)] { return with_accounts(options_, access, command); });
  }

  void add_server_commands() {
    leaf(app_, "run", "serve in the foreground until SIGTERM; SIGHUP reloads",
         [this] { return serve(options_.config); });
    leaf(app_, "check", "validate the configuration", [this] { return check(options_); });
    leaf(app_, "settings", "print all settings", [this] { return print_settings(options_); });
    CLI::App* ctl = app_.add_subcommand("ctl", "ask or tell the running server; 'ctl help' lists what");
    ctl->add_option("--config", options_.config, "configuration file, which names the socket")->capture_default_str();
    ctl->add_option("--socket", options_.socket, "control socket, instead of the one the configuration names");
    ctl->add_flag("--json", options_.json, "answer as JSON");
    ctl->allow_extras();
    ctl->callback([this, ctl] { action_ = [this, words = ctl->remaining()] { return control(options_, words); }; });
  }

  void add_account_commands() {
    CLI::App& account = *app_.add_subcommand("account", "accounts of the store");
    account.require_subcommand(1);
    CLI::App* add = account_leaf(account, "add", "add an account", Access::change, [this](AccountCommands& accounts) {
      const std::string line = line_from_stdin();
      return options_.ha1_stdin ? accounts.add_account_by_ha1(options_.first, line, options_.replace)
                                : accounts.add_account(options_.first, line, options_.replace);
    });
    add->add_option("NAME@DOMAIN", options_.first)->required();
    CLI::Option_group* secret = add->add_option_group("secret", "one of these");
    secret->add_flag("--password-stdin", options_.password_stdin, "read the password from standard input");
    secret->add_flag(
        "--ha1-stdin", options_.ha1_stdin,
        "read H(A1) from standard input instead: the hash of NAME:REALM:PASSWORD, 32 hexadecimal digits for "
        "MD5, 64 for SHA-256, or both on one line; the realm is DOMAIN in lower case, so give the domain's "
        "own name ('bellhop domain list'), not an alias");
    secret->require_option(1);
    add->add_flag("--replace", options_.replace, "give an existing account a new password");
    account_leaf(account, "remove", "remove an account", Access::change,
                 [this](AccountCommands& accounts) { return accounts.remove_account(options_.first); })
        ->add_option("NAME@DOMAIN", options_.first)
        ->required();
    account_leaf(account, "list", "list accounts", Access::read, [this](AccountCommands& accounts) {
      return accounts.list_accounts(options_.first);
    })->add_option("FILTER", options_.first);
    account_leaf(
        account, "import",
        "add many accounts from a file of user,domain,password or, with H(A1) in hexadecimal for the realm DOMAIN, "
        "user,domain,,MD5,SHA-256 (one of the two is enough)",
        Access::change, [this](AccountCommands& accounts) { return import_file(accounts, options_.first); })
        ->add_option("FILE.csv", options_.first)
        ->required();
    CLI::App* rights = account_leaf(
        account, "rights", "what an account may do, and whom it does not want to hear", Access::change,
        [this](AccountCommands& accounts) { return accounts.set_rights(options_.first, options_.rights); });
    rights->add_option("NAME@DOMAIN", options_.first)->required();
    rights->add_option("--groups", options_.rights.groups, "groups, for [[barring]] and [[cap]]: words in one text");
    rights->add_option("--identities", options_.rights.identities, "other addresses its From may name");
    rights->add_option("--blocked", options_.rights.blocked, "callers it refuses, like \"*@spam.test\"");
    CLI::App* sip = account_leaf(
        account, "sip", "allow or deny an account the use of SIP", Access::change,
        [this](AccountCommands& accounts) { return accounts.allow_sip(options_.first, options_.second == "on"); });
    sip->add_option("NAME@DOMAIN", options_.first)->required();
    sip->add_option("on|off", options_.second)->required()->check(CLI::IsMember({"on", "off"}));
  }

  void add_alias_commands() {
    CLI::App& alias = *app_.add_subcommand("alias", "names that stand for other addresses");
    alias.require_subcommand(1);
    CLI::App* add =
        account_leaf(alias, "add", "route NAME@DOMAIN as TARGET", Access::change,
                     [this](AccountCommands& accounts) { return accounts.add_alias(options_.first, options_.second); });
    add->add_option("NAME@DOMAIN", options_.first)->required();
    add->add_option("TARGET", options_.second, "a user of the same domain, or any other address")->required();
    account_leaf(alias, "remove", "remove an alias", Access::change,
                 [this](AccountCommands& accounts) { return accounts.remove_alias(options_.first); })
        ->add_option("NAME@DOMAIN", options_.first)
        ->required();
    account_leaf(alias, "list", "list aliases", Access::read, [this](AccountCommands& accounts) {
      return accounts.list_aliases(options_.first);
    })->add_option("FILTER", options_.first);
  }

  void add_domain_commands() {
    CLI::App& domain = *app_.add_subcommand("domain", "domains of the store, besides those of the configuration");
    domain.require_subcommand(1);
    account_leaf(domain, "add", "add a domain", Access::change,
                 [this](AccountCommands& accounts) { return accounts.add_domain(options_.first); })
        ->add_option("NAME", options_.first)
        ->required();
    account_leaf(domain, "remove", "remove a domain; its accounts stay", Access::change,
                 [this](AccountCommands& accounts) { return accounts.remove_domain(options_.first); })
        ->add_option("NAME", options_.first)
        ->required();
    account_leaf(domain, "list", "list domains", Access::read,
                 [](AccountCommands& accounts) { return accounts.list_domains(); });
  }

  CLI::App app_{"Bellhop, a SIP server that explains itself", "bellhop"};
  Options options_;
  Action action_;
};

}  // namespace

int run_command_line(int argc, char** argv) {
  return CommandLine().run(argc, argv);
}

}  // namespace bellhop::server
