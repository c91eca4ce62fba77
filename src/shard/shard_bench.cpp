// What a shard spends on a message it answers itself, without the kernel's share.
//   shard_bench options|register|register-auth|register-auth-reuse [messages] [phones] [judged]
// "judged": by the flood guard too, as a stranger. Instructions of the messages alone:
//   valgrind --tool=callgrind --toggle-collect='*Shard::on_datagram*' shard_bench register 2000
#include <filesystem>
#include <functional>

#include "auth/phone_for_test.hpp"
#include "base/random.hpp"
#include "shard/lone_shard_for_test.hpp"

namespace {

using namespace bellhop;
using Clock = std::chrono::steady_clock;

std::string config_for(bool authenticate, bool judged) {
  return fmt::format(
      "[server]\ndata_dir = \"/nonexistent/bench\"\n[[listen]]\ntransport = \"udp\"\naddress = \"127.0.0.1:15060\"\n"
      "[[domain]]\nname = \"example.test\"\nauthenticate = \"{}\"\n{}",
      authenticate ? "register" : "none",
      judged ? "[guard]\nflood_requests = 1000\nflood_window = \"1s\"\nnetwork_requests = 0\n"
             : "[guard]\nexempt = [\"127.0.0.0/8\"]\n");
}

class Bench {
 public:
  Bench(std::string mode, unsigned phones, bool judged)
      : mode_(std::move(mode)),
        authenticates_(mode_.starts_with("register-auth")),
        shard_(config_for(authenticates_, judged)),
        cseqs_(phones, 1) {
    std::filesystem::remove(journal_);
    shard_.open_journal(journal_);
    if (!authenticates_) return;
    for (unsigned i = 0; i < phones; ++i) shard_.add_account(fmt::format("u{}", i), "secret");
    shard_.accounts_added();
  }
  ~Bench() { std::filesystem::remove(journal_); }

  /// A message's octets, ready to be heard.
  std::string next() {
    text_.number = static_cast<unsigned>(random_.below(cseqs_.size()));
    return text_of_phone();
  }
  std::string registration_of(unsigned number) {
    text_.number = number;
    return text_of_phone();
  }
  bool hear(const std::string& octets) {
    const std::string& answer = shard_.hear(from_, octets);
    if (authenticates_ && answer.starts_with("SIP/2.0 401")) {
      const std::string_view key = "nonce=\"";
      const auto at = answer.find(key) + key.size();
      phone_.nonce = answer.substr(at, answer.find('"', at) - at);
      phone_.count = 0;
      return text_.credentials.empty();
    }
    return answer.starts_with("SIP/2.0 200");
  }
  void pass(Duration time) { shard_.pass(time); }

 private:
  std::string text_of_phone() {
    ++text_.sequence;
    if (mode_ == "options") return text_.options();
    text_.cseq = ++cseqs_[text_.number];
    text_.credentials.clear();
    const bool asks_first = mode_ == "register-auth" && text_.sequence % 2 == 0;
    if (authenticates_ && !asks_first && !phone_.nonce.empty()) {
      phone_.username = fmt::format("u{}", text_.number);
      phone_.password = "secret";
      text_.credentials = fmt::format("Authorization: {}\r\n", phone_.value());
    }
    return text_.registration();
  }

  std::string mode_;
  bool authenticates_;
  const std::string journal_ =
      std::filesystem::temp_directory_path() / fmt::format("shard-bench-{}.journal", ::getpid());
  shard::LoneShard shard_;
  std::vector<unsigned> cseqs_;
  shard::PhoneText text_;
  auth::Phone phone_;
  Random random_{7};
  const Endpoint from_ = *Endpoint::parse(shard::PhoneText::address);
};

}  // namespace

int main(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "register";
  const unsigned messages = argc > 2 ? static_cast<unsigned>(std::stoul(argv[2])) : 200'000;
  const unsigned phones = argc > 3 ? static_cast<unsigned>(std::stoul(argv[3])) : 200;
  Bench bench(mode, phones, argc > 4);
  for (unsigned i = 0; mode != "options" && i < phones; ++i) {
    bench.hear(bench.registration_of(i));
    if (i % 64 == 0) bench.pass(milliseconds(1));
  }
  constexpr unsigned batch = 64;
  std::vector<std::string> octets(batch);
  std::chrono::nanoseconds spent{};
  unsigned bad = 0;
  for (unsigned done = 0; done < messages; done += batch) {
    const bool one_by_one = mode == "register-auth";  // the answer to one is in the next
    for (auto& text : octets)
      if (!one_by_one) text = bench.next();
    for (auto& text : octets) {
      if (one_by_one) text = bench.next();
      const auto from = Clock::now();
      const bool good = bench.hear(text);
      spent += Clock::now() - from;
      bad += good ? 0u : 1u;
    }
    bench.pass(milliseconds(100));
  }
  fmt::print("{}: {:.0f} ns a message, {} of {} not answered as expected\n", mode,
             static_cast<double>(spent.count()) / messages, bad, messages);
  return 0;
}
