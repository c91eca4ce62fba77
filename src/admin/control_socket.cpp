#include "admin/control_socket.hpp"

#include <fmt/format.h>

namespace bellhop::admin {

namespace {

std::string refused(std::string_view why) {
  return Json::object().set("ok", false).set("error", why).write();
}

}  // namespace

std::string answer_line(const Commands& commands, std::string_view line) {
  const auto request = Json::parse(line);
  const Json* command = request ? request->find("command") : nullptr;
  const Json::Array* items = command == nullptr ? nullptr : command->as_array();
  if (items == nullptr) return refused(R"(write one line like {"command":["status"]})");
  Words words;
  for (const Json& item : *items) {
    const std::string* word = item.as_text();
    if (word == nullptr) return refused("the words of a command are texts");
    words.push_back(*word);
  }
  const Reply reply = commands.run(words);
  return reply ? Json::object().set("ok", true).set("result", *reply).write() : refused(reply.error());
}

ControlSocket::ControlSocket(const std::string& path, const Commands& commands)
    : server_(path, [&commands](std::string_view line) { return answer_line(commands, line); }) {}

Reply ask_server(const std::string& socket_path, const Words& words, Duration timeout) {
  Json command = Json::array();
  for (const std::string& word : words) command.push(word);
  const auto line = net::ask_local(socket_path, Json::object().set("command", command).write(), timeout);
  if (!line) return failure(fmt::format("{}: {}", socket_path, net::text_of(line.error())));
  const auto reply = Json::parse(*line);
  const Json* ok = reply ? reply->find("ok") : nullptr;
  if (ok == nullptr || ok->as_bool() == nullptr) return failure(std::string("the server's answer cannot be read"));
  const Json* content = reply->find(*ok->as_bool() ? "result" : "error");
  if (*ok->as_bool()) return content == nullptr ? Json() : *content;
  const std::string* why = content == nullptr ? nullptr : content->as_text();
  return failure(why == nullptr ? std::string("refused") : *why);
}

}  // namespace bellhop::admin
