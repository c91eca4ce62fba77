#include "sip/status.hpp"

#include <array>
#include <cstdint>

namespace bellhop::sip {
namespace {

struct Phrase {
  std::size_t code;
  std::string_view text;
};

// RFC 3261 section 21 and the IANA registry; 409 and 411 are of RFC 2543 and still met.
constexpr std::array phrases{
    Phrase{100, "Trying"},
    Phrase{180, "Ringing"},
    Phrase{181, "Call Is Being Forwarded"},
    Phrase{182, "Queued"},
    Phrase{183, "Session Progress"},
    Phrase{199, "Early Dialog Terminated"},
    Phrase{200, "OK"},
    Phrase{202, "Accepted"},
    Phrase{204, "No Notification"},
    Phrase{300, "Multiple Choices"},
    Phrase{301, "Moved Permanently"},
    Phrase{302, "Moved Temporarily"},
    Phrase{305, "Use Proxy"},
    Phrase{380, "Alternative Service"},
    Phrase{400, "Bad Request"},
    Phrase{401, "Unauthorized"},
    Phrase{402, "Payment Required"},
    Phrase{403, "Forbidden"},
    Phrase{404, "Not Found"},
    Phrase{405, "Method Not Allowed"},
    Phrase{406, "Not Acceptable"},
    Phrase{407, "Proxy Authentication Required"},
    Phrase{408, "Request Timeout"},
    Phrase{409, "Conflict"},
    Phrase{410, "Gone"},
    Phrase{411, "Length Required"},
    Phrase{412, "Conditional Request Failed"},
    Phrase{413, "Request Entity Too Large"},
    Phrase{414, "Request-URI Too Long"},
    Phrase{415, "Unsupported Media Type"},
    Phrase{416, "Unsupported URI Scheme"},
    Phrase{417, "Unknown Resource-Priority"},
    Phrase{420, "Bad Extension"},
    Phrase{421, "Extension Required"},
    Phrase{422, "Session Interval Too Small"},
    Phrase{423, "Interval Too Brief"},
    Phrase{424, "Bad Location Information"},
    Phrase{425, "Bad Alert Message"},
    Phrase{428, "Use Identity Header"},
    Phrase{429, "Provide Referrer Identity"},
    Phrase{430, "Flow Failed"},
    Phrase{433, "Anonymity Disallowed"},
    Phrase{436, "Bad Identity Info"},
    Phrase{437, "Unsupported Certificate"},
    Phrase{438, "Invalid Identity Header"},
    Phrase{439, "First Hop Lacks Outbound Support"},
    Phrase{440, "Max-Breadth Exceeded"},
    Phrase{469, "Bad Info Package"},
    Phrase{470, "Consent Needed"},
    Phrase{480, "Temporarily Unavailable"},
    Phrase{481, "Call/Transaction Does Not Exist"},
    Phrase{482, "Loop Detected"},
    Phrase{483, "Too Many Hops"},
    Phrase{484, "Address Incomplete"},
    Phrase{485, "Ambiguous"},
    Phrase{486, "Busy Here"},
    Phrase{487, "Request Terminated"},
    Phrase{488, "Not Acceptable Here"},
    Phrase{489, "Bad Event"},
    Phrase{491, "Request Pending"},
    Phrase{493, "Undecipherable"},
    Phrase{494, "Security Agreement Required"},
    Phrase{500, "Server Internal Error"},
    Phrase{501, "Not Implemented"},
    Phrase{502, "Bad Gateway"},
    Phrase{503, "Service Unavailable"},
    Phrase{504, "Server Time-out"},
    Phrase{505, "Version Not Supported"},
    Phrase{513, "Message Too Large"},
    Phrase{555, "Push Notification Service Not Supported"},
    Phrase{580, "Precondition Failure"},
    Phrase{600, "Busy Everywhere"},
    Phrase{603, "Decline"},
    Phrase{604, "Does Not Exist Anywhere"},
    Phrase{606, "Not Acceptable"},
    Phrase{607, "Unwanted"},
    Phrase{608, "Rejected"},
};

/// Where the phrase of each code stands, counted from 1; 0: there is none.
constexpr auto places = [] {
  std::array<std::uint8_t, 700> table{};
  for (std::size_t i = 0; i < phrases.size(); ++i) table[phrases[i].code] = static_cast<std::uint8_t>(i + 1);
  return table;
}();
static_assert(phrases.size() < 255);

const Phrase* find(std::size_t code) {
  const std::size_t place = code < places.size() ? places[code] : 0u;
  return place != 0 ? &phrases[place - 1] : nullptr;
}

}  // namespace

std::string_view reason_phrase(StatusCode code) {
  if (const Phrase* exact = find(code.value)) return exact->text;
  const Phrase* of_class = find(std::size_t{100} * code.class_of());
  return of_class != nullptr ? of_class->text : std::string_view("Unknown");
}

}  // namespace bellhop::sip
