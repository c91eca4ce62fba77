#include "server/account_commands.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <vector>

#include "base/text.hpp"
#include "server/csv.hpp"

namespace bellhop::server {

using admin::Json;
using storage::StoreError;

namespace {

bool has(std::string_view text, std::string_view filter) {
  return to_lower(text).find(to_lower(filter)) != std::string::npos;
}

std::string static_note(const config::Snapshot& config, const std::string& user, const std::string& domain) {
  for (const config::StaticAccount& a : config.accounts)
    if (equals_ignore_case(a.user, user) && a.domain == domain)
      return fmt::format("{}@{} is a static account, in line {} of {}; change it there", user, domain, a.line,
                         config.file);
  return {};
}

bool is_heading(const CsvRow& row) {
  return row.fields.size() == 3 && equals_ignore_case(trim(row.fields[0]), "user") &&
         equals_ignore_case(trim(row.fields[1]), "domain") && equals_ignore_case(trim(row.fields[2]), "password");
}

}  // namespace

std::string AccountCommands::served(std::string_view name) {
  for (const config::Domain& domain : config_.domains) {
    if (equals_ignore_case(domain.name, name)) return domain.name;
    for (const std::string& alias : domain.aliases)
      if (equals_ignore_case(alias, name)) return domain.name;
  }
  std::string found;
  store_.for_each_domain([&](const std::string& stored) {
    if (equals_ignore_case(stored, name)) found = stored;
  });
  return found;
}

Result<AccountCommands::Address, std::string> AccountCommands::parse(std::string_view address) {
  const auto at = address.rfind('@');
  const std::string_view user = address.substr(0, std::min(at, address.size()));
  if (at == std::string_view::npos || !storage::valid_user(user))
    return failure(fmt::format("'{}' is no account name; write NAME@DOMAIN, like alice@example.org", address));
  const std::string domain = served(address.substr(at + 1));
  if (domain.empty())
    return failure(fmt::format("there is no domain '{0}'; add it with 'bellhop domain add {0}' or a [[domain]] in {1}",
                               address.substr(at + 1), config_.file));
  return Address{to_lower(user), domain};
}

std::string AccountCommands::why(StoreError error, std::string_view what) const {
  if (error == StoreError::unavailable) return fmt::format("the account store cannot be used: {}", store_.last_error());
  return fmt::format("{}: {}", what, storage::text_of(error));
}

Outcome AccountCommands::add_account(std::string_view address, std::string_view password, bool replace) {
  const auto name = parse(address);
  if (!name) return failure(name.error());
  if (const std::string note = static_note(config_, name->user, name->domain); !note.empty()) return failure(note);
  if (!storage::valid_password(password))
    return failure(std::string("the password is empty, longer than 256 characters, or has control characters"));
  // The name goes to the store as it was written: phones may spell it that way when they log in.
  const storage::Account account{std::string(address.substr(0, address.rfind('@'))), name->domain, true};
  const auto done = store_.put_account(account, password, replace);
  if (!done && done.error() == StoreError::exists)
    return failure(fmt::format("{} exists already; use --replace to give it a new password", name->text()));
  if (!done) return failure(why(done.error(), name->text()));
  return Json().set("account", name->text()).set("added", true);
}

Outcome AccountCommands::remove_account(std::string_view address) {
  const auto name = parse(address);
  if (!name) return failure(name.error());
  if (const std::string note = static_note(config_, name->user, name->domain); !note.empty()) return failure(note);
  if (const auto done = store_.remove_account(name->user, name->domain); !done)
    return failure(why(done.error(), name->text()));
  return Json().set("account", name->text()).set("removed", true);
}

Outcome AccountCommands::allow_sip(std::string_view address, bool allowed) {
  const auto name = parse(address);
  if (!name) return failure(name.error());
  if (const std::string note = static_note(config_, name->user, name->domain); !note.empty()) return failure(note);
  if (const auto done = store_.set_sip(name->user, name->domain, allowed); !done)
    return failure(why(done.error(), name->text()));
  return Json().set("account", name->text()).set("sip", allowed);
}

Outcome AccountCommands::list_accounts(std::string_view filter) {
  Json rows = Json::array();
  const auto add = [&](const std::string& user, const std::string& domain, bool sip, std::string_view kept) {
    const std::string address = user + "@" + domain;
    if (has(address, filter)) rows.push(Json().set("account", address).set("sip", sip).set("kept", kept));
  };
  for (const config::StaticAccount& a : config_.accounts) add(a.user, a.domain, a.sip, "configuration");
  store_.for_each_account([&](const storage::Account& a) { add(a.user, a.domain, a.sip, "store"); });
  return rows;
}

Outcome AccountCommands::import_accounts(std::string_view csv) {
  auto rows = parse_csv(csv);
  if (!rows) return failure(rows.error());
  std::vector<storage::AccountStore::NewAccount> accounts;
  std::set<std::string, std::less<>> domains;
  for (CsvRow& row : *rows) {
    if (&row == &rows->front() && is_heading(row)) continue;
    const auto wrong = [&](std::string_view what) {
      return failure(fmt::format("line {}: {}; nothing was imported", row.line, what));
    };
    if (row.fields.size() != 3) return wrong("write user,domain,password");
    const std::string user(trim(row.fields[0]));
    const std::string_view domain = trim(row.fields[1]);
    if (!storage::valid_user(user)) return wrong(fmt::format("'{}' is no user name", user));
    if (!storage::valid_password(row.fields[2])) return wrong("the password is empty or has control characters");
    const std::string name = domains.contains(domain) ? std::string(domain) : served(domain);
    if (name.empty()) return wrong(fmt::format("there is no domain '{}'; add it first", domain));
    domains.insert(name);
    if (!static_note(config_, user, name).empty()) return wrong(fmt::format("{}@{} is a static account", user, name));
    accounts.push_back({user, name, std::move(row.fields[2])});
  }
  const auto done = store_.import(accounts);
  if (!done) return failure(why(done.error(), "import"));
  return Json().set("imported", *done);
}

Outcome AccountCommands::add_alias(std::string_view address, std::string_view target) {
  const auto name = parse(address);
  if (!name) return failure(name.error());
  const std::string canonical = storage::canonical_target(target, name->domain);
  if (canonical.empty())
    return failure(fmt::format(
        "'{}' is no target; write a user of the same domain, user@domain or a sip, sips or tel URI", target));
  if (const auto done = store_.put_alias({name->user, name->domain, canonical}); !done)
    return failure(why(done.error(), name->text()));
  Json out = Json().set("alias", name->text()).set("target", canonical);
  // Only a bare user is another name of an account; anything else forwards and never logs in.
  const bool is_account = storage::valid_user(canonical);
  if (is_account && !store_.can_authenticate(name->user, name->domain))
    out.set("note", fmt::format("calls reach {0} at once; to log in under this name set its password again with "
                                "'bellhop account add {0}@{1} --replace --password-stdin'",
                                canonical, name->domain));
  return out;
}

Outcome AccountCommands::remove_alias(std::string_view address) {
  const auto name = parse(address);
  if (!name) return failure(name.error());
  if (const auto done = store_.remove_alias(name->user, name->domain); !done)
    return failure(why(done.error(), name->text()));
  return Json().set("alias", name->text()).set("removed", true);
}

Outcome AccountCommands::list_aliases(std::string_view filter) {
  Json rows = Json::array();
  const auto add = [&](const std::string& user, const std::string& domain, const std::string& target,
                       std::string_view kept) {
    const std::string address = user + "@" + domain;
    if (has(address, filter) || has(target, filter))
      rows.push(Json().set("alias", address).set("target", target).set("kept", kept));
  };
  for (const config::StaticAccount& a : config_.accounts)
    for (const std::string& alias : a.aliases) add(alias, a.domain, a.user, "configuration");
  for (const config::StaticAlias& a : config_.aliases) add(a.name, a.domain, a.target, "configuration");
  store_.for_each_alias([&](const storage::Alias& a) { add(a.user, a.domain, a.target, "store"); });
  return rows;
}

Outcome AccountCommands::add_domain(std::string_view name) {
  if (!storage::valid_domain(name)) return failure(fmt::format("'{}' is no domain; write one like example.org", name));
  if (!served(name).empty()) return failure(fmt::format("{} is served already", to_lower(name)));
  if (const auto done = store_.put_domain(name); !done) return failure(why(done.error(), name));
  return Json().set("domain", to_lower(name)).set("added", true);
}

Outcome AccountCommands::remove_domain(std::string_view name) {
  if (const auto done = store_.remove_domain(name); !done) {
    if (done.error() == StoreError::not_found && !served(name).empty())
      return failure(fmt::format("{} is a domain of the configuration; remove it from {}", name, config_.file));
    return failure(why(done.error(), name));
  }
  return Json().set("domain", to_lower(name)).set("removed", true);
}

Outcome AccountCommands::list_domains() {
  Json rows = Json::array();
  for (const config::Domain& d : config_.domains)
    rows.push(Json()
                  .set("domain", d.name)
                  .set("aliases", fmt::format("{}", fmt::join(d.aliases, " ")))
                  .set("kept", "configuration"));
  store_.for_each_domain(
      [&](const std::string& name) { rows.push(Json().set("domain", name).set("aliases", "").set("kept", "store")); });
  return rows;
}

}  // namespace bellhop::server
