# Libraries that come without a CMake package: found now rather than missed when something links, hours later. Each
# becomes a target system::NAME; what is missing is told all at once, with the Debian packages that have it.

function(quorate_system_library name header package)
    find_library(QUORATE_LIBRARY_${name} ${name})
    find_path(QUORATE_HEADER_${name} ${header})
    mark_as_advanced(QUORATE_LIBRARY_${name} QUORATE_HEADER_${name})
    if(NOT QUORATE_LIBRARY_${name} OR NOT QUORATE_HEADER_${name})
        set_property(GLOBAL APPEND PROPERTY quorate_missing_libraries "lib${name} with <${header}>")
        set_property(GLOBAL APPEND PROPERTY quorate_missing_packages ${package})
        return()
    endif()
    add_library(system::${name} UNKNOWN IMPORTED GLOBAL)
    set_target_properties(system::${name} PROPERTIES
        IMPORTED_LOCATION ${QUORATE_LIBRARY_${name}} INTERFACE_INCLUDE_DIRECTORIES ${QUORATE_HEADER_${name}})
endfunction()

function(quorate_require_libraries)
    get_property(libraries GLOBAL PROPERTY quorate_missing_libraries)
    get_property(packages GLOBAL PROPERTY quorate_missing_packages)
    if(libraries)
        list(REMOVE_DUPLICATES packages)
        list(JOIN libraries ", " libraries)
        list(JOIN packages " " packages)
        message(FATAL_ERROR "not found: ${libraries}\n"
            "install them: packaging/install-packages build, or apt-get install ${packages}")
    endif()
endfunction()

quorate_system_library(crypt crypt.h libcrypt-dev)
quorate_system_library(gsasl gsasl.h libgsasl-dev)
quorate_system_library(cfg corosync/cfg.h libcfg-dev)
quorate_system_library(cmap corosync/cmap.h libcmap-dev)
quorate_system_library(cpg corosync/cpg.h libcpg-dev)
quorate_system_library(quorum corosync/quorum.h libquorum-dev)
quorate_system_library(uring liburing.h liburing-dev)
quorate_system_library(votequorum corosync/votequorum.h libvotequorum-dev)
quorate_system_library(corosync_common corosync/corotypes.h libcorosync-common-dev)
quorate_require_libraries()
