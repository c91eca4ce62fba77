#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iterator>
#include <string>

#include "sip/message.hpp"

// Processor nanoseconds per Message::parse() on a reused message: `bench_message [FILE [MESSAGES]]`, the median of nine
// rounds of so many messages. Few of them under callgrind give the instructions per message, which no busy machine
// changes.

namespace {

using bellhop::sip::Limits;
using bellhop::sip::Message;

int messages_a_round = 200'000;

double cpu_nanoseconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

double round(Message& message, const std::string& octets, bool& sound) {
  const double start = cpu_nanoseconds();
  for (int i = 0; i < messages_a_round; ++i) sound = message.parse(octets, Limits{}, false).has_value() && sound;
  return (cpu_nanoseconds() - start) / messages_a_round;
}

}  // namespace

int main(int count, char** arguments) {
  const char* path = count > 1 ? arguments[1] : "tests/data/captures/v01_invite.sip";
  if (count > 2) messages_a_round = std::atoi(arguments[2]);
  std::ifstream file(path, std::ios::binary);
  const std::string octets{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  Message message;
  bool sound = true;
  std::array<double, 9> rounds{};
  for (double& spent : rounds) spent = round(message, octets, sound);
  if (!sound) {
    fmt::print(stderr, "{}: the message does not parse\n", path);
    return 1;
  }
  std::sort(rounds.begin(), rounds.end());
  fmt::print("message parse {} octets, {} header fields: {:.0f} [{:.0f}..{:.0f}] ns\n", octets.size(),
             message.headers().size(), rounds[4], rounds.front(), rounds.back());
}
