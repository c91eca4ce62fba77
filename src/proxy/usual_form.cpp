#include "proxy/usual_form.hpp"

#include <array>
#include <charconv>

#include "base/copy_octets.hpp"

namespace bellhop::proxy {

using sip::HeaderField;
using sip::HeaderId;

namespace {

constexpr std::string_view rport = ";rport";

/// The fields that do not pass as they are.
constexpr auto is_touched = [] {
  std::array<bool, static_cast<std::size_t>(HeaderId::count_)> touched{};
  for (const HeaderId id : {HeaderId::via, HeaderId::record_route, HeaderId::route, HeaderId::max_forwards,
                            HeaderId::max_breadth, HeaderId::authorization, HeaderId::proxy_authorization})
    touched[static_cast<std::size_t>(id)] = true;
  return touched;
}();

}  // namespace

/// Copies stretches of the request and puts in between what is new, into room that was made for all of it.
class UsualForm::Writer {
 public:
  Writer(std::string_view octets, char* room) : octets_(octets.data()), at_(room), copied_(octets_) {}

  void copy_to(const char* end) {
    put({copied_, static_cast<std::size_t>(end - copied_)});
    copied_ = end;
  }
  void copy_to(std::uint32_t end) { copy_to(octets_ + end); }
  void skip_to(const char* end) { copied_ = end; }
  /// Copies up to the part and leaves it out.
  void leave_out(std::string_view part) {
    copy_to(part.data());
    skip_to(part.data() + part.size());
  }
  void put(std::string_view text) { at_ = copy_octets(text, at_); }
  void put(std::uint32_t number) { at_ = std::to_chars(at_, at_ + 10, number).ptr; }
  template <class Value>
  void put_line(std::string_view name, const Value& value) {
    put(name);
    put(value);
    put("\r\n");
  }
  [[nodiscard]] const char* end() const { return at_; }

 private:
  const char* octets_;
  char* at_;
  const char* copied_;  ///< up to here the request is dealt with
};

UsualForm::UsualForm(const sip::Message& request, const ForwardFacts& facts, const Copy& copy,
                     std::string_view request_uri)
    : request_(request), facts_(facts), copy_(copy), request_uri_(request_uri) {}

bool UsualForm::fits_otherwise() const {
  const bool usual_contacts = !copy_.contacts.any() || !request_.has(HeaderId::contact);
  const bool usual_identity =
      facts_.identity.empty() &&
      (!facts_.assert_identity || !(request_.has(HeaderId::p_asserted_identity) ||
                                    request_.has(HeaderId::remote_party_id) || request_.has(HeaderId::privacy)));
  return request_.top_via().has_branch_and_rport_alone() && usual_contacts && usual_identity && copy_.path.empty() &&
         facts_.epid.empty() && (facts_.sender & config::Workaround::bad_update) == 0 &&
         request_.has(HeaderId::content_length);
}

void UsualForm::write(std::string& out) const {
  constexpr std::size_t names_and_numbers = 128;
  const std::size_t before = out.size();
  out.resize(before + request_.octets().size() + request_uri_.size() + copy_.via.size() + copy_.via_facts.size() +
             copy_.record_route.size() + names_and_numbers);
  Writer writer(request_.octets(), out.data() + before);
  writer.leave_out(request_.request_uri_text());
  writer.put(request_uri_);
  writer.copy_to(static_cast<std::uint32_t>(request_.header_block_at()));
  if (!via_is_on_top()) write_record_route_on_top(writer);
  for (const HeaderField& field : request_.headers())
    if (is_touched[static_cast<std::size_t>(field.id)]) write_field(writer, field);
  writer.copy_to(static_cast<std::uint32_t>(request_.blank_line_at()));
  if (!request_.has(HeaderId::max_forwards)) writer.put_line("Max-Forwards: ", facts_.max_forwards);
  if (!request_.has(HeaderId::max_breadth)) writer.put_line("Max-Breadth: ", facts_.max_breadth);
  writer.copy_to(request_.octets().data() + request_.octets().size());
  out.resize(static_cast<std::size_t>(writer.end() - out.data()));
}

void UsualForm::write_field(Writer& writer, const HeaderField& field) const {
  const bool consumed = field.id == HeaderId::authorization || field.id == HeaderId::proxy_authorization;
  if (consumed && !is_consumed(request_, field, facts_)) return;
  if (consumed || field.id == HeaderId::route) {
    writer.copy_to(field.name_at);
    return writer.skip_to(request_.octets().data() + field.end_at);
  }
  if (&field != request_.first(field.id)) return;
  switch (field.id) {
    case HeaderId::via: return write_vias(writer, field);
    case HeaderId::record_route: return write_record_route(writer, field);
    default: break;
  }
  writer.leave_out(request_.value(field));
  writer.put(field.id == HeaderId::max_forwards ? facts_.max_forwards : facts_.max_breadth);
}

bool UsualForm::via_is_on_top() const {
  return request_.headers().front().id == HeaderId::via;
}

/// Above all other fields where there is no Record-Route yet, but for our Via.
void UsualForm::write_record_route_on_top(Writer& writer) const {
  if (!copy_.record_route.empty() && !request_.has(HeaderId::record_route))
    writer.put_line("Record-Route: ", copy_.record_route);
}

void UsualForm::write_record_route(Writer& writer, const HeaderField& first) const {
  if (copy_.record_route.empty()) return;
  writer.copy_to(first.name_at);
  writer.put_line("Record-Route: ", copy_.record_route);
}

void UsualForm::write_vias(Writer& writer, const HeaderField& first) const {
  writer.copy_to(first.name_at);
  writer.put_line("Via: ", copy_.via);
  if (via_is_on_top()) write_record_route_on_top(writer);
  if (copy_.via_facts.empty()) return;
  const sip::Via& client = request_.top_via();
  const char* const end = client.parameters.data() + client.parameters.size();
  const bool rport_is_last = client.branch.data() + client.branch.size() != end;
  if (client.has_rport)
    writer.leave_out({rport_is_last ? end - rport.size() : client.parameters.data() - 1, rport.size()});
  writer.copy_to(end);
  writer.put(copy_.via_facts);
}

}  // namespace bellhop::proxy
