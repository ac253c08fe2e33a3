# The house rules as functions. A folder is a target with its own include root; see docs/ARCHITECTURE.md.

option(QUORATE_FUZZ "Build the fuzz targets with libFuzzer (clang only)" OFF)
set(QUORATE_SANITIZE "" CACHE STRING "Sanitizers, as for -fsanitize=")

add_library(quorate_flags INTERFACE)
target_compile_features(quorate_flags INTERFACE cxx_std_20)
target_compile_options(quorate_flags INTERFACE
    -Wall -Wextra -Wshadow -Wconversion -Wswitch-enum -fno-omit-frame-pointer)
if(QUORATE_SANITIZE STREQUAL "thread")
    # TSan reports Asio's own fences (-Wtsan) and a false mismatched-new-delete: warnings only.
    target_compile_options(quorate_flags INTERFACE -Wno-tsan -Wno-mismatched-new-delete)
else()
    target_compile_options(quorate_flags INTERFACE -Werror)
endif()
if(QUORATE_SANITIZE)
    target_compile_options(quorate_flags INTERFACE -fsanitize=${QUORATE_SANITIZE} -fno-sanitize-recover=all)
    target_link_options(quorate_flags INTERFACE -fsanitize=${QUORATE_SANITIZE})
    if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
        # Its data before a function cannot be assembled for clang 14's coroutines.
        target_compile_options(quorate_flags INTERFACE -fno-sanitize=function)
    endif()
endif()
if(CMAKE_UNITY_BUILD AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # An Impl of file-local types is sound in a source file; in a unity file g++ takes it for a header's. The
    # sanitizers hide from g++ that members of a variant are initialized.
    target_compile_options(quorate_flags INTERFACE -Wno-subobject-linkage -Wno-maybe-uninitialized)
endif()
# What is asserted about, not what is measured or shipped: the compiler's time counts here, not the program's.
set(QUORATE_QUICK -O0)
if(QUORATE_FUZZ)
    set(QUORATE_QUICK)
    target_compile_options(quorate_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

# Files are joined only where they see Asio: there it saves two thirds; elsewhere it saves little and forbids two files
# to name alike what is alike.
function(quorate_choose_unity target)
    if(NOT "quorate::io" IN_LIST ARGN)
        set_target_properties(${target} PROPERTIES UNITY_BUILD OFF)
    endif()
endfunction()

# quorate_library(NAME SOURCES ... [PUBLIC target ...] [PRIVATE target ...])
# Static library quorate_NAME, alias quorate::NAME. Public headers: include/**. Private headers: src/.
# Adds the whole-archive link test, which proves that the declared dependencies are all it needs.
function(quorate_library name)
    cmake_parse_arguments(ARG "" "ROOT" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
    set(root ${CMAKE_CURRENT_SOURCE_DIR})
    if(ARG_ROOT)
        string(APPEND root /${ARG_ROOT})
    endif()
    set(target quorate_${name})
    file(GLOB_RECURSE headers CONFIGURE_DEPENDS ${root}/include/*.hpp)
    if(ARG_SOURCES)
        add_library(${target} STATIC ${ARG_SOURCES})
        set(visibility PUBLIC)
        target_include_directories(${target} PRIVATE ${root}/src)
        target_compile_features(${target} PUBLIC cxx_std_20)
        target_link_libraries(${target} PUBLIC ${ARG_PUBLIC} PRIVATE quorate_flags ${ARG_PRIVATE})
        quorate_check_listed(${root}/src ${ARG_SOURCES})
        if(NOT name STREQUAL io)
            quorate_choose_unity(${target} ${ARG_PUBLIC} ${ARG_PRIVATE})
        endif()
    else()
        add_library(${target} INTERFACE)
        set(visibility INTERFACE)
        target_compile_features(${target} INTERFACE cxx_std_20)
        target_link_libraries(${target} INTERFACE ${ARG_PUBLIC})
    endif()
    target_sources(${target} ${visibility} FILE_SET HEADERS BASE_DIRS ${root}/include FILES ${headers})
    set_target_properties(${target} PROPERTIES VERIFY_INTERFACE_HEADER_SETS ON)
    add_library(quorate::${name} ALIAS ${target})
    if(ARG_SOURCES AND NOT QUORATE_SANITIZE)
        add_executable(linktest_${name} ${PROJECT_SOURCE_DIR}/cmake/empty_main.cpp)
        target_link_libraries(linktest_${name} PRIVATE quorate_flags $<LINK_LIBRARY:WHOLE_ARCHIVE,${target}>)
        set_target_properties(linktest_${name} PROPERTIES
            RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/linktests UNITY_BUILD OFF)
    endif()
endfunction()

# Every .cpp below a folder must be listed in its target: nobody's file is built by nobody.
function(quorate_check_listed folder)
    set(listed)
    foreach(source IN LISTS ARGN)
        get_filename_component(absolute ${source} ABSOLUTE)
        list(APPEND listed ${absolute})
    endforeach()
    file(GLOB_RECURSE found CONFIGURE_DEPENDS ${folder}/*.cpp)
    foreach(source IN LISTS found)
        if(NOT source IN_LIST listed)
            message(FATAL_ERROR "${source} is in the folder but not in the target: list it or delete it")
        endif()
    endforeach()
endfunction()

# quorate_program(NAME SOURCES ... LINK target ...): a binary in build/<preset>/bin.
function(quorate_program name)
    cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
    add_executable(${name} ${ARG_SOURCES})
    target_link_libraries(${name} PRIVATE quorate_flags ${ARG_LINK})
    quorate_choose_unity(${name} ${ARG_LINK})
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
endfunction()

# quorate_test(MODULE KIND SOURCES ... LINK target ...): one gtest binary per module and kind, labelled with both.
function(quorate_test module kind)
    cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
    set(target ${kind}_${module})
    add_executable(${target} ${ARG_SOURCES})
    target_link_libraries(${target} PRIVATE quorate_flags ${ARG_LINK} GTest::gtest GTest::gtest_main)
    quorate_choose_unity(${target} ${ARG_LINK})
    target_compile_definitions(${target} PRIVATE QUORATE_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
    set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
    set(listed ${ARG_SOURCES})
    if(kind STREQUAL sim AND TARGET world_${module})
        get_target_property(world world_${module} SOURCES)
        list(APPEND listed ${world})
    endif()
    quorate_check_listed(${CMAKE_CURRENT_SOURCE_DIR} ${listed})
    if(kind MATCHES "^(unit|script)$")
        target_compile_options(${target} PRIVATE ${QUORATE_QUICK})
        if(QUORATE_SANITIZE)
            # Of gtest's templates UBSan makes half as much code again; what they call is instrumented in its library.
            target_compile_options(${target} PRIVATE -fno-sanitize=undefined)
        endif()
    endif()
    gtest_discover_tests(${target} DISCOVERY_MODE PRE_TEST TEST_PREFIX "${kind}.${module}.")
    # A simulator's usual seeds take minutes under a sanitizer on a machine that does other things too.
    set(seconds 300)
    if(kind STREQUAL sim)
        set(seconds 1200)
    endif()
    # A list among PROPERTIES is taken apart on its way: the properties are set after the discovery.
    set(properties ${CMAKE_CURRENT_BINARY_DIR}/${target}_properties.cmake)
    file(WRITE ${properties} "foreach(test IN LISTS ${target}_TESTS)
    set_tests_properties(\${test} PROPERTIES LABELS \"${kind};${module}\" TIMEOUT ${seconds})
endforeach()
")
    set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES ${properties})
endfunction()

# quorate_world(MODULE SOURCES ... SEES library ... LINK target ...): the world of a simulator, compiled once for
# sim_MODULE and mutation_MODULE. It sees the headers of the machines (with their src/) and leaves it to the test which
# build of them it runs. Not for a world that includes a mutation.hpp.
function(quorate_world module)
    cmake_parse_arguments(ARG "" "" "SOURCES;SEES;LINK" ${ARGN})
    set(target world_${module})
    add_library(${target} STATIC ${ARG_SOURCES})
    target_link_libraries(${target} PUBLIC ${ARG_LINK} PRIVATE quorate_flags)
    target_include_directories(${target} PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
    foreach(machine IN LISTS ARG_SEES)
        target_include_directories(${target} PUBLIC
            $<TARGET_PROPERTY:quorate_${machine},INTERFACE_INCLUDE_DIRECTORIES>
            $<TARGET_PROPERTY:quorate_${machine},SOURCE_DIR>/src)
    endforeach()
    set_target_properties(${target} PROPERTIES UNITY_BUILD OFF)
endfunction()

# quorate_mutable(NAME LINK target ...): library NAME once more as NAME_mutable, with the faults of its
# src/mutation.hpp.
function(quorate_mutable name)
    cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
    get_target_property(sources quorate_${name} SOURCES)
    get_target_property(folder quorate_${name} SOURCE_DIR)
    list(FILTER sources INCLUDE REGEX "^src/.*\\.cpp$")
    list(TRANSFORM sources PREPEND ${folder}/)
    add_library(${name}_mutable STATIC ${sources})
    target_compile_definitions(${name}_mutable PUBLIC QUORATE_MUTATIONS)
    target_include_directories(${name}_mutable PUBLIC ${folder}/include ${folder}/src)
    target_link_libraries(${name}_mutable PUBLIC ${ARG_LINK} PRIVATE quorate_flags)
    target_compile_options(${name}_mutable PRIVATE $<$<CONFIG:Release>:-O1>)
    set_target_properties(${name}_mutable PROPERTIES UNITY_BUILD OFF)
endfunction()

# quorate_script_suite(MODULE SOURCES ... LINK target ...): the datadriven files *.txt of this folder, each a test of
# kind script; the sources define quorate::support::make_script_handler() (support/datadriven.hpp).
function(quorate_script_suite module)
    cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
    quorate_test(${module} script
        SOURCES ${ARG_SOURCES} ${PROJECT_SOURCE_DIR}/tests/support/script_main.cpp
        LINK ${ARG_LINK} quorate::test_support)
    # The tests are discovered when the binary is newer than the last discovery: a new script must make it so.
    file(GLOB scripts CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.txt)
    set_target_properties(script_${module} PROPERTIES LINK_DEPENDS "${scripts}")
    target_compile_definitions(script_${module} PRIVATE QUORATE_SCRIPT_FOLDER="${CMAKE_CURRENT_SOURCE_DIR}")
endfunction()

add_custom_target(fuzzers)

# quorate_fuzzer(NAME MODULE SOURCE file LINK target ... [SEEDS folder ...]): libFuzzer binary fuzz_NAME in the fuzz
# preset; elsewhere the same file with a main that replays tests/fuzz/corpus/NAME (and the other SEEDS), registered as a
# test.
function(quorate_fuzzer name module)
    cmake_parse_arguments(ARG "" "SOURCE" "LINK;SEEDS" ${ARGN})
    set(target fuzz_${name})
    add_executable(${target} ${ARG_SOURCE})
    target_link_libraries(${target} PRIVATE quorate_flags ${ARG_LINK})
    target_compile_options(${target} PRIVATE ${QUORATE_QUICK})
    set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz UNITY_BUILD OFF)
    if(QUORATE_FUZZ)
        target_link_options(${target} PRIVATE -fsanitize=fuzzer)
        set(arguments -runs=0)
    else()
        target_link_libraries(${target} PRIVATE fuzz_replay)
        set(arguments)
    endif()
    add_test(NAME fuzz.${module}.${name}
        COMMAND ${target} ${arguments} ${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${name} ${ARG_SEEDS})
    add_dependencies(fuzzers ${target})
    set_tests_properties(fuzz.${module}.${name} PROPERTIES LABELS "fuzz;${module}" TIMEOUT 300)
endfunction()

# quorate_script_test(NAME MODULE KIND COMMAND ...): a test that is a program of its own (shell, Python).
function(quorate_script_test name module kind)
    cmake_parse_arguments(ARG "SERIAL" "TIMEOUT" "COMMAND" ${ARGN})
    add_test(NAME ${kind}.${module}.${name} COMMAND ${ARG_COMMAND})
    if(NOT ARG_TIMEOUT)
        set(ARG_TIMEOUT 300)
    endif()
    set_tests_properties(${kind}.${module}.${name} PROPERTIES LABELS "${kind};${module}" TIMEOUT ${ARG_TIMEOUT}
        ENVIRONMENT "QUORATE_BIN=${CMAKE_BINARY_DIR}/bin;QUORATE_SOURCE=${PROJECT_SOURCE_DIR}")
    if(ARG_SERIAL)
        set_tests_properties(${kind}.${module}.${name} PROPERTIES RUN_SERIAL ON)
    endif()
endfunction()
