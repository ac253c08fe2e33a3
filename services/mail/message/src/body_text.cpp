#include "body_text.hpp"

#include "base/text.hpp"
#include "envelope.hpp"
#include "mail/message/wire.hpp"

namespace quorate::mail::message {
namespace {

void append_optional(std::string& out, const std::optional<std::string>& text) {
    if (text) {
        append_string(out, *text);
    } else {
        out.append("NIL");
    }
}

void append_parameters(std::string& out, const std::vector<Parameter>& parameters) {
    if (parameters.empty()) {
        out.append("NIL");
        return;
    }
    char separator = '(';
    for (const auto& parameter : parameters) {
        out.push_back(separator);
        append_string(out, parameter.name);
        out.push_back(' ');
        append_string(out, parameter.value);
        separator = ' ';
    }
    out.push_back(')');
}

void append_disposition(std::string& out, const MimeFields& fields) {
    if (!fields.disposition ||
        (fields.disposition->empty() && fields.disposition_parameters.empty())) {
        out.append("NIL");
        return;
    }
    out.push_back('(');
    append_string(out, *fields.disposition);
    out.push_back(' ');
    append_parameters(out, fields.disposition_parameters);
    out.push_back(')');
}

void append_languages(std::string& out, const std::vector<std::string>& languages) {
    if (languages.empty()) {
        out.append("NIL");
        return;
    }
    char separator = '(';
    for (const auto& language : languages) {
        out.push_back(separator);
        append_string(out, language);
        separator = ' ';
    }
    out.push_back(')');
}

// The type as written, unless the structure says otherwise (defaults, limits), or it is one of
// those that the grammar spells out.
std::string_view as_written(const std::string& written, const std::string& effective,
                            PartKind kind) {
    const bool use_written = kind != PartKind::kMessage && iequals(written, effective);
    return use_written ? written : effective;
}

// RFC 2045 5.2: text without charset is US-ASCII.
std::vector<Parameter> with_charset(const MimeFields& fields, const Part& part) {
    auto parameters = fields.parameters;
    if (part.type == "text" && fields.parameter("charset").empty()) {
        parameters.push_back({"charset", "us-ascii"});
    }
    return parameters;
}

class BodyRenderer {
public:
    BodyRenderer(const Structure& structure, const std::vector<PartText>& texts, bool extension)
        : structure_(structure), texts_(texts), extension_(extension) {}

    std::string run() {
        part(0);
        return std::move(out_);
    }

private:
    // Recursion as deep as the tree: Limits::depth.
    void part(std::size_t index) {
        out_.push_back('(');
        if (structure_.parts[index].kind == PartKind::kMultipart) {
            multipart(index);
        } else {
            single(index);
        }
        out_.push_back(')');
    }

    void multipart(std::size_t index) {
        const auto& text = texts_[index];
        const auto end = index + 1 + structure_.parts[index].descendants;
        if (end == index + 1) {
            // The grammar wants a part.
            out_.append(R"(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0)");
            out_.append(extension_ ? " NIL NIL NIL NIL)" : ")");
        }
        for (auto child = index + 1; child < end;
             child += 1 + structure_.parts[child].descendants) {
            part(child);
        }
        out_.append(" ").append(text.fields);
        if (extension_) {
            out_.append(" ").append(text.parameters).append(text.extension);
        }
    }

    void single(std::size_t index) {
        const auto& part = structure_.parts[index];
        const auto& text = texts_[index];
        out_.append(text.fields).append(" ").append(std::to_string(part.body().size()));
        if (part.kind == PartKind::kMessage) {
            const auto& envelope = texts_[index + 1].envelope;
            out_.append(" ").append(envelope.empty() ? empty_envelope() : envelope).append(" ");
            this->part(index + 1);
        }
        if (part.kind == PartKind::kMessage || part.type == "text") {
            out_.append(" ").append(std::to_string(part.lines));
        }
        if (extension_) {
            out_.append(" ").append(text.md5).append(text.extension);
        }
    }

    const Structure& structure_;
    const std::vector<PartText>& texts_;
    bool extension_;
    std::string out_;
};

}  // namespace

PartText render_part(const MimeFields& fields, const Part& part) {
    PartText text;
    const bool multipart = part.kind == PartKind::kMultipart;
    if (multipart) {
        append_string(text.fields, as_written(fields.subtype, part.subtype, part.kind));
        append_parameters(text.parameters, fields.parameters);
    } else {
        append_string(text.fields, as_written(fields.type, part.type, part.kind));
        text.fields.push_back(' ');
        append_string(text.fields, as_written(fields.subtype, part.subtype, part.kind));
        text.fields.push_back(' ');
        append_parameters(text.fields, with_charset(fields, part));
        text.fields.push_back(' ');
        append_optional(text.fields, fields.id);
        text.fields.push_back(' ');
        append_optional(text.fields, fields.description);
        text.fields.push_back(' ');
        append_string(text.fields, fields.encoding_name);
        text.md5.clear();
        append_optional(text.md5, fields.md5);
    }
    text.extension.push_back(' ');
    append_disposition(text.extension, fields);
    text.extension.push_back(' ');
    append_languages(text.extension, fields.languages);
    text.extension.push_back(' ');
    append_optional(text.extension, fields.location);
    return text;
}

PartText render_part_briefly(const Part& part) {
    MimeFields fields;
    switch (part.encoding) {
        case TransferEncoding::k8bit:
            fields.encoding_name = "8bit";
            break;
        case TransferEncoding::kBinary:
            fields.encoding_name = "binary";
            break;
        case TransferEncoding::kQuotedPrintable:
            fields.encoding_name = "quoted-printable";
            break;
        case TransferEncoding::kBase64:
            fields.encoding_name = "base64";
            break;
        case TransferEncoding::k7bit:
        case TransferEncoding::kOther:
            break;
    }
    return render_part(fields, part);
}

std::size_t text_size(const PartText& text) {
    return text.fields.size() + text.parameters.size() + text.extension.size() + text.md5.size() +
           text.envelope.size();
}

std::string render_body(const Structure& structure, const std::vector<PartText>& texts,
                        bool extension) {
    return BodyRenderer(structure, texts, extension).run();
}

}  // namespace quorate::mail::message
