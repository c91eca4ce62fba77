#include "request/answer.hpp"

#include <cstdint>

#include "sip/builder.hpp"
#include "transport/reply.hpp"

namespace bellhop::request {

std::size_t most_octets_back(const sip::Message& request, const net::Flow& from) {
  return from.is_stream() ? SIZE_MAX : 3 * request.octets().size();
}

std::string_view AnswerWriter::write(const sip::Message& request, const net::Flow& from, sip::StatusCode status,
                                     std::string_view reason, std::string_view to_tag, std::string_view headers,
                                     const config::Snapshot& config, std::string_view via_more) {
  out_.clear();
  via_facts_.clear();
  transport::append_via_facts(via_facts_, request.top_via(), from);
  via_facts_ += via_more;
  const auto names = config.sip.short_field_names ? sip::FieldNames::compact : sip::FieldNames::as_received;
  auto builder = sip::start_response(out_, request, status, reason, to_tag, via_facts_, names);
  if (status.value > 100 && !config.server.name.empty()) builder.header(sip::HeaderId::server, config.server.name);
  out_ += headers;
  builder.no_body();
  return out_;
}

}  // namespace bellhop::request
