# layer(NAME [DEPENDS layers...] [LINKS targets...])
#
# One static library per folder of src/: every .cc below src/NAME belongs to it, so a new file needs no edit
# here. DEPENDS names the layers whose headers it may include.
function(layer name)
  cmake_parse_arguments(ARG "" "" "DEPENDS;LINKS" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${name}/*.cc)
  set(depends ${ARG_DEPENDS})
  list(TRANSFORM depends PREPEND srpd_)
  if(sources)
    add_library(srpd_${name} STATIC ${sources})
    set(scope PUBLIC)
  else()
    add_library(srpd_${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(srpd_${name} ${scope} ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(srpd_${name} ${scope} ${depends} ${ARG_LINKS})
endfunction()
