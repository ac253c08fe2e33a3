#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "mail/message/structure.hpp"
#include "mime_fields.hpp"

// BODY and BODYSTRUCTURE (RFC 3501 7.4.2) of a structure.
namespace quorate::mail::message {

// What is rendered when a part's header is complete; the numbers are known only at the end.
struct PartText {
    std::string fields;  // leaf: `"type" "subtype" (params) id desc enc`; multipart: `"subtype"`
    std::string parameters;   // multipart only, extension data
    std::string extension;    // ` dsp lang loc`
    std::string md5 = "NIL";  // leaf only
    std::string envelope;     // of the message whose root this is
    bool is_text = false;
};

PartText render_part(const MimeFields& fields, const Part& part);
// For parts beyond the limits: what the part is, and no details.
PartText render_part_briefly(const Part& part);
std::size_t text_size(const PartText& text);

// `texts` are the parts' in order. With `extension`: BODYSTRUCTURE, else BODY.
std::string render_body(const Structure& structure, const std::vector<PartText>& texts,
                        bool extension);

}  // namespace quorate::mail::message
