#include "mail/message/structure.hpp"

#include "scanner.hpp"

namespace quorate::mail::message {

struct StructureParser::Impl {
    Scanner scanner;
};

StructureParser::StructureParser(Limits limits)
    : impl_(new Impl{Scanner(limits, /*observer=*/nullptr)}) {}
StructureParser::~StructureParser() = default;
StructureParser::StructureParser(StructureParser&&) noexcept = default;
StructureParser& StructureParser::operator=(StructureParser&&) noexcept = default;

void StructureParser::feed(std::string_view bytes) { impl_->scanner.feed(bytes); }

Structure StructureParser::finish() { return impl_->scanner.finish(); }

Structure parse_structure(std::string_view message, Limits limits) {
    StructureParser parser(limits);
    parser.feed(message);
    return parser.finish();
}

namespace {

// Child number `number` of the multipart at `index`.
std::optional<std::size_t> child(const Structure& structure, std::size_t index,
                                 std::uint32_t number) {
    const auto end = index + 1 + structure.parts[index].descendants;
    auto at = index + 1;
    for (std::uint32_t i = 1; at < end; ++i) {
        if (i == number) {
            return at;
        }
        at += 1 + structure.parts[at].descendants;
    }
    return std::nullopt;
}

// What `number` means inside the message whose root part is at `root`.
std::optional<std::size_t> in_message(const Structure& structure, std::size_t root,
                                      std::uint32_t number) {
    if (structure.parts[root].kind == PartKind::kMultipart) {
        return child(structure, root, number);
    }
    return number == 1 ? std::optional(root) : std::nullopt;
}

}  // namespace

std::optional<std::size_t> find_part(const Structure& structure,
                                     std::span<const std::uint32_t> path) {
    std::optional<std::size_t> at = 0;
    bool first = true;
    for (const auto number : path) {
        const auto& part = structure.parts[*at];
        if (first) {
            at = in_message(structure, 0, number);
            first = false;
        } else if (part.kind == PartKind::kMultipart) {
            at = child(structure, *at, number);
        } else if (part.kind == PartKind::kMessage) {
            at = in_message(structure, *at + 1, number);
        } else {
            return std::nullopt;
        }
        if (!at) {
            return std::nullopt;
        }
    }
    return at;
}

namespace {

// Part 1 of a multipart without parts: BODY shows one, empty, because its grammar wants one.
std::optional<Range> shown_part(const Structure& structure, std::span<const std::uint32_t> path,
                                Section section) {
    const bool empty_text = section == Section::kAll || section == Section::kMime;
    if (path.empty() || path.back() != 1 || !empty_text) {
        return std::nullopt;
    }
    auto parent = find_part(structure, path.first(path.size() - 1));
    if (parent && structure.parts[*parent].kind == PartKind::kMessage) {
        ++*parent;
    }
    if (!parent || structure.parts[*parent].kind != PartKind::kMultipart ||
        structure.parts[*parent].descendants > 0) {
        return std::nullopt;
    }
    const auto end = structure.parts[*parent].body_end;
    return Range{end, end};
}

}  // namespace

std::optional<Range> find_section(const Structure& structure, std::span<const std::uint32_t> path,
                                  Section section) {
    const auto index = find_part(structure, path);
    if (!index) {
        return shown_part(structure, path, section);
    }
    const auto& part = structure.parts[*index];
    if (section == Section::kMime) {
        return path.empty() ? std::nullopt : std::optional(part.header());
    }
    if (section == Section::kAll) {
        return path.empty() ? Range{0, structure.size} : part.body();
    }
    if (!path.empty() && part.kind != PartKind::kMessage) {
        return std::nullopt;
    }
    const auto& message = path.empty() ? part : structure.parts[*index + 1];
    return section == Section::kHeader ? message.header() : message.body();
}

}  // namespace quorate::mail::message
